//! A page about a training: what it learns from, how the losses fall, and what it makes of what it
//! has not learnt. One file of HTML that loads nothing.

use std::fmt::Write as _;

use super::picture::{spectrogram, wav};
use super::steps::Losses;
use crate::io::WriteError;

/// Size of a picture, and the points of a curve at most.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;
const POINTS: usize = 200;

/// What each loss is called on the page.
const TITLES: [&str; 6] = [
    "Error of the envelope in dB",
    "Error of the share of noise",
    "Cross-entropy of phones in nats",
    "Size of the content in nats",
    "What the encoder hears in it against what it should hear",
    "Critic: 0 where made is always told from real, 2 where never",
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:2em auto;\
padding:0 1em;color:#222;background:#fff}table{border-collapse:collapse}td{padding:.1em 1em .1em 0}\
svg,img,audio{width:100%;height:auto}img{image-rendering:pixelated}audio{height:2em}\
polyline{fill:none;stroke:#2563a8;stroke-width:1.5}\
path{stroke:#ddd}text{font-size:11px;fill:#666}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}path{stroke:#444}\
polyline{stroke:#7db3e8}}";

/// How likeness is measured, for whoever reads it.
const MEASURE: &str = "Measured in the stretches that were held out, where there is a pitch, with \
the level left out. Both are distances of spectra, by no network that others trained: they tell \
whether a training gets nearer to the voice, not whether a listener takes it for the speaker.";

/// What is on a page.
#[derive(Clone, Copy, Default)]
pub struct Page<'a> {
    /// What is trained.
    pub title: &'a str,
    /// How far it is, in words.
    pub state: &'a str,
    /// In pairs.
    pub facts: &'a [(&'static str, String)],
    /// What to do about the recordings.
    pub notes: &'a [String],
    /// The losses of each stage; those without any are left out.
    pub stages: &'a [(&'static str, Vec<Losses>)],
    /// What can be heard.
    pub sounds: &'a [Sounds<'a>],
    /// Figures, in pairs.
    pub likeness: &'a [(&'static str, String)],
    /// Distances in dB, one each time that the page was written.
    pub course: &'a [f64],
}

/// One stretch, at 16 kHz: as it was recorded, and as it is made.
#[derive(Clone, Copy)]
pub struct Sounds<'a> {
    pub recorded: &'a [f32],
    /// With a voice that has learnt nothing.
    pub before: &'a [f32],
    pub now: &'a [f32],
}

/// The page as HTML.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn page(page: &Page) -> Result<String, WriteError> {
    let title = escaped(page.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<table>\n"
    );
    pairs(&mut html, page.facts);
    html.push_str("</table>\n");
    for note in std::iter::once(page.state).chain(page.notes.iter().map(String::as_str)) {
        let _ = writeln!(html, "<p>{}", escaped(note));
    }
    likeness(&mut html, page);
    heard(&mut html, page.sounds)?;
    for (name, history) in page.stages {
        if history.is_empty() {
            continue;
        }
        let _ = writeln!(html, "<h2>{}: {} steps</h2>", escaped(name), history.len());
        for (n, title) in TITLES.iter().enumerate() {
            let values: Vec<f64> = history.iter().map(|losses| losses.all()[n]).collect();
            if values.iter().any(|x| *x != 0.0) {
                let _ = writeln!(html, "<h3>{title}</h3>\n{}", curve(&values));
            }
        }
    }
    Ok(html)
}

fn pairs(html: &mut String, pairs: &[(&str, String)]) {
    for (name, value) in pairs {
        let _ = writeln!(html, "<tr><td>{}<td>{}", escaped(name), escaped(value));
    }
}

fn likeness(html: &mut String, page: &Page) {
    if page.likeness.is_empty() {
        return;
    }
    html.push_str("<h2>How like the speaker</h2>\n<table>\n");
    pairs(html, page.likeness);
    let _ = writeln!(html, "</table>\n<p>{MEASURE}");
    if 1 < page.course.len() {
        let title = "Mel-cepstral distance in dB, each time that this page was written";
        let _ = writeln!(html, "<h3>{title}</h3>\n{}", curve(page.course));
    }
}

fn heard(html: &mut String, all: &[Sounds]) -> Result<(), WriteError> {
    for (n, sounds) in all.iter().enumerate() {
        let _ = writeln!(html, "<h2>Held out: stretch {}</h2>", n + 1);
        for (name, sound) in [
            ("Recorded", sounds.recorded),
            ("Made before any training", sounds.before),
            ("Made now", sounds.now),
        ] {
            let (picture, wav) = (spectrogram(sound)?, wav(sound));
            let _ = writeln!(
                html,
                "<h3>{name}</h3>\n<img alt=\"Spectrogram up to 8 kHz\" src=\"{picture}\">\n\
                 <audio controls preload=\"none\" src=\"{wav}\"></audio>"
            );
        }
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A picture of values over steps: means of as many stretches as there are points.
fn curve(values: &[f64]) -> String {
    let stretch = values.len().div_ceil(POINTS).max(1);
    let means = values
        .chunks(stretch)
        .map(|x| x.iter().sum::<f64>() / x.len() as f64);
    let means: Vec<f64> = means.map(|x| if x.is_finite() { x } else { 0.0 }).collect();
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-9);
    let mut points = String::new();
    for (n, mean) in means.iter().enumerate() {
        let x = WIDTH * n as f64 / (means.len() - 1).max(1) as f64;
        let y = HEIGHT * (1.0 - (mean - low) / span);
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    let last = means.last().copied().unwrap_or(0.0);
    format!(
        "<svg viewBox=\"-45 -8 {:.0} {:.0}\" role=\"img\">\
         <path d=\"M0 0V{HEIGHT:.0}H{WIDTH:.0}\" fill=\"none\"/>\
         <text x=\"-4\" y=\"6\" text-anchor=\"end\">{high:.3}</text>\
         <text x=\"-4\" y=\"{HEIGHT:.0}\" text-anchor=\"end\">{low:.3}</text>\
         <text x=\"{WIDTH:.0}\" y=\"{:.0}\" text-anchor=\"end\">step {}, at last {last:.3}</text>\
         <polyline points=\"{}\"/></svg>",
        WIDTH + 55.0,
        HEIGHT + 30.0,
        HEIGHT + 14.0,
        values.len(),
        points.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_facts_notes_and_a_curve_for_each_loss_there_is() {
        let history: Vec<Losses> = (0..1_000)
            .map(|n| Losses {
                envelope_db: 10.0 - 0.005 * f64::from(n),
                noise: f64::NAN,
                ..Losses::default()
            })
            .collect();
        let facts = [("Speech", "3 minutes".to_owned())];
        let sound: Vec<f32> = (0..1_600).map(|n| (0.3 * n as f32).sin()).collect();
        let sounds = Sounds {
            recorded: &sound,
            before: &sound,
            now: &sound,
        };
        let html = page(&Page {
            title: "Voice <x>",
            state: "step 3",
            facts: &facts,
            notes: &["a <b> & c".to_owned()],
            stages: &[("one", history), ("none", Vec::new())],
            sounds: &[sounds; 2],
            likeness: &[("Distance", "4.5 dB".to_owned())],
            course: &[9.0, 4.5],
        });
        let html = html.unwrap();
        for part in [
            "<title>Voice &lt;x&gt;</title>",
            "<td>3 minutes",
            "<p>step 3",
            "<p>a &lt;b&gt; &amp; c",
            "<td>Distance<td>4.5 dB",
            "one: 1000 steps",
            "step 1000, at last 5.015",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let text = html.split('"').filter(|part| !part.starts_with("data:"));
        let text: String = text.collect();
        assert!(!text.contains("none: ") && !text.contains("NaN") && !text.contains("http"));
        assert_eq!(html.matches("<audio controls").count(), 6);
        assert_eq!(html.matches("<img ").count(), 6);
        assert_eq!(html.matches("<polyline").count(), 3);
        let points = html
            .split("points=\"")
            .nth(2)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert_eq!(points.split(' ').count(), POINTS);
        assert!(points.starts_with("0.0,0.0 ") && points.ends_with("640.0,160.0"));
    }
}
