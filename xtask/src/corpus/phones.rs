//! What synthesizers say about their phones, as labels: names in ARPABET without stress, times in
//! frames of 10 ms. Texts in, numbers out; main thread or workers.

use anyhow::{Context, Result, bail};

/// Frames of labels in a second.
pub const FRAMES_PER_S: f64 = 100.0;
/// What silence is called.
pub const SILENCE: &str = "SIL";

/// The phones of ARPABET.
pub const ARPABET: [&str; 39] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH",
    "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH",
    "UW", "V", "W", "Y", "Z", "ZH",
];

/// Whose names the phones have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Set {
    /// flite's and festival's for American English.
    English,
    /// festival's for Italian.
    Italian,
    /// festival's for Czech.
    Czech,
    /// festival's for Finnish.
    Finnish,
    /// festival's for Catalan.
    Catalan,
}

/// A phone and the second at which it ends.
pub type Segment = (String, f64);
/// A label, its first frame and its number of frames.
pub type Label = (String, usize, usize);

/// Phones of one set and the nearest that ARPABET has, `phone=NEAREST`. Two names share the time;
/// none: nothing in English is near, so nothing is said about it.
type Names = &'static str;

const ENGLISH: Names = "\
    pau=SIL h#=SIL brth=SIL ssil=SIL ax=AH axr=ER dx=D el=L em=M en=N hv=HH ix=IH nx=N";

const ITALIAN: Names = "\
    #=SIL a=AA e=EH E=EH i=IY o=OW O=AO u=UW j=Y w=W p=P t=T k=K b=B d=D g=G f=F s=S S=SH v=V \
    z=Z Z=ZH ts=T+S tS=CH dz=D+Z dZ=JH m=M n=N nf=M ng=NG J= l=L L= r=R";

const CZECH: Names = "\
    #=SIL _= a=AA e=EH i=IH i:=IY o=AO u=UH u:=UW b=B c=T+S c~=CH ch= d=D d~= dz=D+Z dz~=JH f=F \
    g=G h=HH j=Y k=K l=L m=M n=N n*=NG n~= p=P r=R r~= r~*= s=S s~=SH t=T t~= v=V z=Z z~=ZH";

const FINNISH: Names = "\
    #=SIL ##=SIL a=AA @=AE e=EH i=IH i:=IY o=AO u=UH u:=UW y= 7= &=AH p=P t=T k=K b=B d=D g=G \
    f=F T=TH D=DH s=S z=Z S=SH Z=ZH h=HH v=V m=M n=N N=NG l=L L=L r=R j=Y w=W";

const CATALAN: Names = "\
    pau=SIL #=SIL _=SIL ax=AH a=AA e=EH E=EH i=IY o=OW O=AO u=UW j=Y w=W b=B d=D g=G p=P t=T k=K \
    f=F s=S S=SH z=Z Z=ZH m=M n=N J= l=L L= r= rr=R";

impl Set {
    /// What a phone is in ARPABET: one name, two that share its time, or nothing near.
    fn arpabet(self, phone: &str) -> Result<Vec<&'static str>> {
        let (names, plain) = match self {
            Self::English => (ENGLISH, phone),
            // A digit is stress.
            Self::Italian => (ITALIAN, phone.trim_end_matches('1')),
            Self::Catalan => (CATALAN, phone.trim_end_matches('1')),
            // Long as short, unless the table knows it for itself.
            Self::Czech => (CZECH, phone),
            Self::Finnish => (FINNISH, phone),
        };
        let find = |phone: &str| {
            let found = pairs(names).find(|(name, _)| *name == phone);
            found.map(|(_, nearest)| nearest)
        };
        if let Some(nearest) = find(plain).or_else(|| find(plain.trim_end_matches(':'))) {
            return Ok(nearest.split('+').filter(|name| !name.is_empty()).collect());
        }
        let upper = phone.to_ascii_uppercase();
        match ARPABET
            .iter()
            .find(|name| self == Self::English && **name == upper)
        {
            Some(name) => Ok(vec![name]),
            None => bail!("expected a phone of {self:?}, found {phone:?}; add it to its table"),
        }
    }
}

fn pairs(names: Names) -> impl Iterator<Item = (&'static str, &'static str)> {
    names
        .split_whitespace()
        .filter_map(|pair| pair.rsplit_once('='))
}

/// Labels of a recording so many seconds long. They begin with the first frame and end with the
/// last: what follows the last phone is silence, what goes beyond the recording is cut off.
///
/// # Errors
/// A phone that no table knows, or times that run backwards.
pub fn labels(set: Set, segments: &[Segment], seconds: f64) -> Result<Vec<Label>> {
    let frame = |seconds: f64| (seconds * FRAMES_PER_S).round() as usize;
    let total = frame(seconds);
    let (mut found, mut begun): (Vec<Label>, f64) = (Vec::new(), 0.0);
    for (phone, end) in segments {
        if !(begun..1e5).contains(end) {
            bail!("expected {phone:?} to end after {begun} s, found {end} s");
        }
        let names = set.arpabet(phone)?;
        let part = (end - begun) / names.len().max(1) as f64;
        for (n, name) in names.into_iter().enumerate() {
            let from = frame(begun + part * n as f64).min(total);
            let to = frame(begun + part * (n + 1) as f64).min(total);
            put(&mut found, name, from, to);
        }
        begun = *end;
    }
    put(&mut found, SILENCE, frame(begun), total);
    Ok(found)
}

/// Silence next to silence is one silence; what is shorter than half a frame is nothing.
fn put(labels: &mut Vec<Label>, name: &str, from: usize, to: usize) {
    if to <= from {
        return;
    }
    match labels.last_mut() {
        Some((last, first, count))
            if last == SILENCE && name == SILENCE && *first + *count == from =>
        {
            *count += to - from;
        }
        _ => labels.push((name.to_owned(), from, to - from)),
    }
}

/// Whether labels say anything.
pub fn heard(labels: &[Label]) -> bool {
    labels.iter().any(|(name, ..)| name != SILENCE)
}

/// Noises are nobody's phones: recognisers mark them with a `+`.
pub fn without_noises(labels: Vec<Label>) -> Vec<Label> {
    let mut found = Vec::new();
    for (name, first, count) in &labels {
        let name = if name.starts_with('+') { SILENCE } else { name };
        put(&mut found, name, *first, first + count);
    }
    found
}

/// The text of labels, as training reads it.
pub fn document(labels: &[Label]) -> String {
    serde_json::json!({ "phones": labels }).to_string()
}

/// What `flite -psdur` prints: `pau:0.184 dh:0.241 ..`.
///
/// # Errors
/// When it is something else.
pub fn parse_psdur(text: &str) -> Result<Vec<Segment>> {
    let segment = |word: &str| {
        let (phone, end) = word.rsplit_once(':')?;
        Some((phone.to_owned(), end.parse().ok()?))
    };
    let words = text.split_whitespace();
    let found: Option<Vec<Segment>> = words.map(segment).collect();
    let found = found.filter(|found| !found.is_empty());
    found.with_context(|| format!("expected `phone:second ..` of flite, found {text:?}"))
}

/// What festival's `utt.save.segs` writes: a `#`, then lines of second, colour and phone.
///
/// # Errors
/// When it is something else.
pub fn parse_segs(text: &str) -> Result<Vec<Segment>> {
    let segment = |line: &str| {
        let mut words = line.split_whitespace();
        let (end, _colour, phone) = (words.next()?, words.next()?, words.next()?);
        Some((phone.to_owned(), end.parse().ok()?))
    };
    let mut lines = text.lines().skip_while(|line| line.trim() != "#");
    lines.next();
    let lines = lines.filter(|line| !line.trim().is_empty());
    let found: Option<Vec<Segment>> = lines.map(segment).collect();
    let found = found.filter(|found| !found.is_empty());
    found.with_context(|| format!("expected `second colour phone` of festival, found {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn segments(phones: &[(&str, f64)]) -> Vec<Segment> {
        phones
            .iter()
            .map(|(phone, end)| ((*phone).to_owned(), *end))
            .collect()
    }

    #[test]
    fn phones_become_arpabet_or_nothing() {
        let table: [(Set, &str, &[&str]); 22] = [
            (Set::English, "ax", &["AH"]),
            (Set::English, "zh", &["ZH"]),
            (Set::English, "pau", &["SIL"]),
            (Set::English, "axr", &["ER"]),
            (Set::Italian, "a1", &["AA"]),
            (Set::Italian, "E1", &["EH"]),
            (Set::Italian, "ts", &["T", "S"]),
            (Set::Italian, "J", &[]),
            (Set::Italian, "#", &["SIL"]),
            (Set::Czech, "r~*", &[]),
            (Set::Czech, "ch", &[]),
            (Set::Czech, "a:", &["AA"]),
            (Set::Czech, "i:", &["IY"]),
            (Set::Czech, "i", &["IH"]),
            (Set::Czech, "dz~", &["JH"]),
            (Set::Finnish, "k:", &["K"]),
            (Set::Finnish, "@:", &["AE"]),
            (Set::Finnish, "y:", &[]),
            (Set::Finnish, "N:", &["NG"]),
            (Set::Catalan, "ax", &["AH"]),
            (Set::Catalan, "rr", &["R"]),
            (Set::Catalan, "O1", &["AO"]),
        ];
        for (set, phone, wanted) in table {
            assert_eq!(set.arpabet(phone).unwrap(), wanted, "{set:?} {phone}");
        }
        for (set, phone) in [
            (Set::English, "xx"),
            (Set::English, "sil9"),
            // Of another language.
            (Set::Czech, "tS"),
            (Set::Italian, "zh"),
            (Set::Finnish, ""),
        ] {
            let error = set.arpabet(phone).unwrap_err().to_string();
            assert!(error.contains("expected a phone"), "{error}");
        }
    }

    #[test]
    fn every_name_in_the_tables_is_one_of_arpabet() {
        for names in [ENGLISH, ITALIAN, CZECH, FINNISH, CATALAN] {
            let mut seen = BTreeSet::new();
            for (phone, nearest) in pairs(names) {
                for name in nearest.split('+').filter(|name| !name.is_empty()) {
                    assert!(name == SILENCE || ARPABET.contains(&name), "{phone}");
                }
                assert!(seen.insert(phone), "{phone} twice");
            }
            assert_eq!(seen.len(), names.split_whitespace().count());
        }
    }

    #[test]
    fn labels_fill_the_recording() {
        type Phones<'a> = &'a [(&'a str, f64)];
        type Wanted<'a> = &'a [(&'a str, usize, usize)];
        let table: [(Set, Phones, f64, Wanted); 6] = [
            (
                Set::English,
                &[("pau", 0.184), ("dh", 0.241), ("ax", 0.286), ("pau", 0.421)],
                0.42,
                &[
                    ("SIL", 0, 18),
                    ("DH", 18, 6),
                    ("AH", 24, 5),
                    ("SIL", 29, 13),
                ],
            ),
            // The recording is longer, shorter; it ends without a pause.
            (
                Set::English,
                &[("s", 0.1), ("pau", 0.2)],
                0.3,
                &[("S", 0, 10), ("SIL", 10, 20)],
            ),
            (
                Set::English,
                &[("s", 0.1), ("iy", 0.4)],
                0.2,
                &[("S", 0, 10), ("IY", 10, 10)],
            ),
            (
                Set::English,
                &[("s", 0.1)],
                0.12,
                &[("S", 0, 10), ("SIL", 10, 2)],
            ),
            // Two names share the time; a stranger leaves a gap; a blink is nothing.
            (
                Set::Italian,
                &[("ts", 0.08), ("J", 0.12), ("a1", 0.2), ("r", 0.202)],
                0.2,
                &[("T", 0, 4), ("S", 4, 4), ("AA", 12, 8)],
            ),
            // Pauses next to each other are one.
            (
                Set::Finnish,
                &[("n", 0.1), ("#", 0.13), ("#", 0.33)],
                0.35,
                &[("N", 0, 10), ("SIL", 10, 25)],
            ),
        ];
        for (set, phones, seconds, wanted) in table {
            let found = labels(set, &segments(phones), seconds).unwrap();
            let found: Vec<_> = found.iter().map(|(p, a, n)| (p.as_str(), *a, *n)).collect();
            assert_eq!(found, wanted, "{phones:?}");
        }
        for phones in [
            &[("s", 0.2), ("s", 0.1)],
            &[("s", -0.2), ("s", 0.1)],
            &[("s", f64::NAN), ("s", 0.1)],
        ] {
            labels(Set::English, &segments(phones), 1.0).unwrap_err();
        }
    }

    #[test]
    fn what_synthesizers_print_is_read_or_refused() {
        let wanted = segments(&[("pau", 0.184), ("dh", 0.241)]);
        assert_eq!(parse_psdur("pau:0.184 dh:0.241 \n").unwrap(), wanted);
        // Czech and Finnish have colons in names, but flite speaks English.
        assert_eq!(parse_psdur("a::0.5").unwrap(), segments(&[("a:", 0.5)]));
        let segs = "separator ;\n#\n\t0.1840 100 \tpau\n0.2410 100 dh\n\n";
        assert_eq!(parse_segs(segs).unwrap(), wanted);
        for text in ["", "pau", "pau:x", "usage: flite TEXT"] {
            parse_psdur(text).unwrap_err();
        }
        for text in ["", "0.1 100 pau", "#\n", "#\n0.1 pau", "#\nx 100 pau"] {
            parse_segs(text).unwrap_err();
        }
    }

    #[test]
    fn noises_are_silence() {
        let label = |name: &str, first, count| (name.to_owned(), first, count);
        let found = without_noises(vec![
            label("SIL", 0, 3),
            label("+NSN+", 3, 2),
            label("AH", 5, 4),
            label("+SPN+", 9, 1),
        ]);
        let wanted = [label("SIL", 0, 5), label("AH", 5, 4), label("SIL", 9, 1)];
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_document_is_what_training_reads() {
        let labels = labels(Set::English, &segments(&[("s", 0.1)]), 0.12).unwrap();
        let text = document(&labels);
        assert_eq!(text, r#"{"phones":[["S",0,10],["SIL",10,2]]}"#);
        assert!(heard(&labels) && !heard(&labels[1..]));
    }
}
