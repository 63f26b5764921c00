//! The synthesizers' voices: which there are, what each needs, whose it is. Tables; reads nothing.

use super::phones::Set;
use super::texts::Language;
use crate::packages::{Need, Probe};

/// What speaks.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    /// flite, by the name of its voice.
    Flite(&'static str),
    /// festival, by the name of its voice, which has names of its own for phones.
    Festival(&'static str, Set),
    /// espeak-ng, by its voice and variant. It tells no times.
    Espeak(&'static str),
}

/// A voice of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// What its speaker is called here.
    pub name: &'static str,
    /// What speaks.
    pub engine: Engine,
    /// What it speaks.
    pub language: Language,
    /// What must be installed.
    pub needs: &'static [Need],
    /// Under which licence the voice comes.
    pub licence: &'static str,
}

const FREE: &str = "CMU and CSTR's, free for any use with their notices kept";
const GPL_2: &str = "GPL-2.0-or-later";
const GPL_3: &str = "GPL-3.0-or-later";
const LGPL_2: &str = "LGPL-2.0-or-later";
const LGPL_2_1: &str = "LGPL-2.1-or-later";

const fn need(package: &'static str, probe: Probe) -> Need {
    Need {
        package,
        probe,
        why: "voices of the corpus",
    }
}

const FLITE: &[Need] = &[need("flite", Probe::Program("flite"))];
const ESPEAK: &[Need] = &[need("espeak-ng", Probe::Program("espeak-ng"))];

/// festival and a package with a voice, found by its folder.
macro_rules! festival {
    ($package:literal, $folder:literal) => {
        &[
            need("festival", Probe::Program("festival")),
            need(
                $package,
                Probe::AnyFile(&[
                    concat!("/usr/share/festival/voices/", $folder),
                    concat!("/usr/lib/festival/voices/", $folder),
                    concat!("/usr/local/share/festival/voices/", $folder),
                ]),
            ),
        ]
    };
}

const fn flite(name: &'static str) -> Voice {
    Voice {
        name,
        engine: Engine::Flite(name),
        language: Language::English,
        needs: FLITE,
        licence: FREE,
    }
}

const fn espeak(name: &'static str, variant: &'static str) -> Voice {
    Voice {
        name,
        engine: Engine::Espeak(variant),
        language: Language::English,
        needs: ESPEAK,
        licence: GPL_3,
    }
}

const fn festival(
    name: &'static str,
    voice: &'static str,
    language: Language,
    needs: &'static [Need],
    licence: &'static str,
) -> Voice {
    let set = match language {
        Language::English => Set::English,
        Language::Italian => Set::Italian,
        Language::Czech => Set::Czech,
        Language::Finnish => Set::Finnish,
        Language::Catalan => Set::Catalan,
    };
    Voice {
        name,
        engine: Engine::Festival(voice, set),
        language,
        needs,
        licence,
    }
}

/// All of them. flite's `kal` and `awb_time` are left out: 8 kHz, and a clock.
pub const VOICES: &[Voice] = &[
    flite("awb"),
    flite("rms"),
    flite("slt"),
    flite("kal16"),
    festival(
        "kal",
        "kal_diphone",
        Language::English,
        festival!("festvox-kallpc16k", "english/kal_diphone"),
        FREE,
    ),
    festival(
        "ked",
        "ked_diphone",
        Language::English,
        festival!("festvox-kdlpc16k", "english/ked_diphone"),
        FREE,
    ),
    festival(
        "slthts",
        "cmu_us_slt_arctic_hts",
        Language::English,
        festival!("festvox-us-slt-hts", "us/cmu_us_slt_arctic_hts"),
        FREE,
    ),
    festival(
        "lp",
        "lp_diphone",
        Language::Italian,
        festival!("festvox-italp16k", "italian/lp_diphone"),
        GPL_2,
    ),
    festival(
        "pc",
        "pc_diphone",
        Language::Italian,
        festival!("festvox-itapc16k", "italian/pc_diphone"),
        GPL_2,
    ),
    festival(
        "dita",
        "czech_dita",
        Language::Czech,
        festival!("festvox-czech-dita", "czech/czech_dita"),
        GPL_3,
    ),
    festival(
        "krb",
        "czech_krb",
        Language::Czech,
        festival!("festvox-czech-krb", "czech/czech_krb"),
        GPL_3,
    ),
    festival(
        "machac",
        "czech_machac",
        Language::Czech,
        festival!("festvox-czech-machac", "czech/czech_machac"),
        GPL_3,
    ),
    festival(
        "ph",
        "czech_ph",
        Language::Czech,
        festival!("festvox-czech-ph", "czech/czech_ph"),
        GPL_2,
    ),
    festival(
        "suolj",
        "suo_fi_lj_diphone",
        Language::Finnish,
        festival!("festvox-suopuhe-lj", "finnish/suo_fi_lj_diphone"),
        LGPL_2,
    ),
    festival(
        "suomv",
        "hy_fi_mv_diphone",
        Language::Finnish,
        festival!("festvox-suopuhe-mv", "finnish/hy_fi_mv_diphone"),
        LGPL_2,
    ),
    festival(
        "ona",
        "upc_ca_ona_hts",
        Language::Catalan,
        festival!("festvox-ca-ona-hts", "catalan/upc_ca_ona_hts"),
        LGPL_2_1,
    ),
    espeak("espeakm1", "en-us+m1"),
    espeak("espeakm3", "en-us+m3"),
    espeak("espeakm7", "en-us+m7"),
    espeak("espeakf1", "en-us+f1"),
    espeak("espeakf2", "en-us+f2"),
    espeak("espeakf5", "en-us+f5"),
];

impl Voice {
    /// What its recordings come from, in words.
    pub fn source(&self) -> String {
        match self.engine {
            Engine::Flite(voice) => format!("flite, voice {voice}"),
            Engine::Festival(voice, _) => format!("festival, voice {voice}"),
            Engine::Espeak(voice) => format!("espeak-ng, voice {voice}"),
        }
    }

    /// Whether it says when which phone is heard.
    pub fn tells_times(&self) -> bool {
        !matches!(self.engine, Engine::Espeak(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_voice_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = VOICES.iter().map(|voice| voice.name).collect();
        assert_eq!(names.len(), VOICES.len());
        for voice in VOICES {
            // The name up to the first `-` says who speaks.
            assert!(
                voice.name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{}",
                voice.name
            );
            assert!(!voice.needs.is_empty() && !voice.licence.is_empty());
        }
    }
}
