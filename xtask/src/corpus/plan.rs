//! What `cargo xtask corpus` is asked for. Reads the command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::recordings::{self, COLLECTIONS, Collection};
use super::voices::{VOICES, Voice};
use crate::packages::{LABELS, Need};

/// What to make, and where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder it goes to.
    pub output: PathBuf,
    /// Where recordings come from.
    pub recordings: PathBuf,
    /// Synthesizers' voices.
    pub voices: Vec<Voice>,
    /// Collections of recordings.
    pub collections: Vec<Collection>,
    /// Of each voice and each collection at most so many.
    pub sentences: usize,
}

/// How it is called.
pub fn usage() -> String {
    let voices: Vec<&str> = VOICES.iter().map(|voice| voice.name).collect();
    let collections: Vec<&str> = COLLECTIONS.iter().map(|one| one.name).collect();
    format!(
        "\
Usage: cargo xtask corpus [options]

Makes recordings with labels of their phones, and corpus.toml, which says what each is and whose.
A second run makes what is missing or was changed.

  --output FOLDER   where to (default target/corpus)
  --only NAME,..    these voices and recordings alone (default all)
  --sentences N     of each at most N, to try it

  voices      {}
  recordings  {} (in {})",
        voices.join(" "),
        collections.join(" "),
        recordings::FOLDER
    )
}

impl Plan {
    /// Reads the options; `None` where help is asked for.
    ///
    /// # Errors
    /// What is wrong with them, with how it is called.
    pub fn parse(options: &[&str]) -> Result<Option<Self>> {
        let mut plan = Self {
            output: PathBuf::from("target/corpus"),
            recordings: PathBuf::from(recordings::FOLDER),
            voices: VOICES.to_vec(),
            collections: COLLECTIONS.to_vec(),
            sentences: usize::MAX,
        };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if matches!(*option, "--help" | "-h" | "help") {
                return Ok(None);
            }
            let mut value = || {
                let value = options.next().copied();
                value.with_context(|| format!("expected a value after `{option}`\n\n{}", usage()))
            };
            match *option {
                "--output" | "-o" => plan.output = PathBuf::from(value()?),
                "--only" => plan.choose(value()?)?,
                "--sentences" => {
                    let count = value()?;
                    let number = count.parse().ok().filter(|n| 0 < *n);
                    plan.sentences = number.with_context(|| {
                        format!("expected a number of sentences, got `{count}`")
                    })?;
                }
                other => bail!("expected an option, got `{other}`\n\n{}", usage()),
            }
        }
        Ok(Some(plan))
    }

    fn choose(&mut self, names: &str) -> Result<()> {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        for name in &names {
            let known = VOICES.iter().any(|voice| voice.name == *name)
                || COLLECTIONS
                    .iter()
                    .any(|collection| collection.name == *name);
            if !known {
                bail!(
                    "expected names of voices or recordings, got `{name}`\n\n{}",
                    usage()
                );
            }
        }
        self.voices.retain(|voice| names.contains(&voice.name));
        self.collections
            .retain(|collection| names.contains(&collection.name));
        Ok(())
    }

    /// Whether all of each voice and collection is asked for.
    pub fn is_whole(&self) -> bool {
        self.sentences == usize::MAX
    }

    /// What must be installed for it.
    pub fn needs(&self) -> Vec<Need> {
        let labels = if self.collections.is_empty() {
            &[]
        } else {
            LABELS
        };
        let voices = self.voices.iter().flat_map(|voice| voice.needs);
        let mut needs: Vec<Need> = Vec::new();
        for need in voices.chain(labels) {
            if needs.iter().all(|other| other.package != need.package) {
                needs.push(*need);
            }
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood_or_refused() {
        let plan = Plan::parse(&[]).unwrap().unwrap();
        assert_eq!(
            (plan.voices.len(), plan.collections.len()),
            (VOICES.len(), 3)
        );
        assert!(plan.is_whole());
        let plan = Plan::parse(&["--only", "slt,ljspeech", "-o", "x", "--sentences", "10"]);
        let plan = plan.unwrap().unwrap();
        let packages: Vec<&str> = plan.needs().iter().map(|need| need.package).collect();
        assert_eq!(packages, ["flite", "python3", "python3-venv"]);
        assert_eq!(
            (plan.voices[0].name, plan.collections[0].name),
            ("slt", "ljspeech")
        );
        assert_eq!((plan.sentences, plan.output), (10, PathBuf::from("x")));
        assert!(Plan::parse(&["--help"]).unwrap().is_none());
        let two = Plan::parse(&["--only", "dita,krb"])
            .unwrap()
            .unwrap()
            .needs();
        assert_eq!(two.len(), 3, "festival once: {two:?}");
        for options in [
            &["--only"][..],
            &["--only", "nobody"],
            &["--only", ""],
            &["--sentences", "0"],
            &["--sentences", "many"],
            &["slt"],
        ] {
            assert!(Plan::parse(options).is_err(), "{options:?}");
        }
    }
}
