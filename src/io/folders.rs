//! Where a user's voices, presets and settings lie, and where hosts look for plugins. Names
//! folders only; creates none. Allocates, so never on the audio thread.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment variable that overrides the user data folder.
pub const HOME_VARIABLE: &str = "AUTOVOICE_HOME";

/// The environment names no place for user data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a home folder in {HOME_VARIABLE} or {variable}, found neither")]
pub struct NoHome {
    /// The variable this platform keeps its home folder in.
    pub variable: &'static str,
}

/// The user data folder: `AUTOVOICE_HOME`, or where this platform keeps application data.
///
/// # Errors
/// [`NoHome`] when the environment names neither.
pub fn home() -> Result<PathBuf, NoHome> {
    home_from(|name| env::var_os(name))
}

/// Trained and imported voices.
///
/// # Errors
/// As [`home`].
pub fn voices() -> Result<PathBuf, NoHome> {
    Ok(home()?.join("voices"))
}

/// Models of others, fetched or imported.
///
/// # Errors
/// As [`home`].
pub fn models() -> Result<PathBuf, NoHome> {
    Ok(home()?.join("models"))
}

/// The user's own presets.
///
/// # Errors
/// As [`home`].
pub fn presets() -> Result<PathBuf, NoHome> {
    Ok(home()?.join("presets"))
}

/// Settings that belong to no project.
///
/// # Errors
/// As [`home`].
pub fn settings() -> Result<PathBuf, NoHome> {
    Ok(home()?.join("settings"))
}

/// What drivers of cards made of the kernels; all of it can be made anew.
///
/// # Errors
/// As [`home`].
pub fn kernels() -> Result<PathBuf, NoHome> {
    Ok(home()?.join("kernels"))
}

/// [`home`] in any environment, so that tests need not change the process's own.
///
/// # Errors
/// [`NoHome`] when the environment names no place.
pub fn home_from(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoHome> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(chosen) = set(HOME_VARIABLE) {
        return Ok(PathBuf::from(chosen));
    }
    if cfg!(target_os = "windows") {
        let data = set("APPDATA").ok_or(NoHome {
            variable: "APPDATA",
        })?;
        return Ok(PathBuf::from(data).join("AutoVoice"));
    }
    // The XDG base directory specification: a relative path is invalid and ignored.
    let xdg = set("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    if let (Some(data), false) = (xdg, cfg!(target_os = "macos")) {
        return Ok(data.join("autovoice"));
    }
    let user = set("HOME")
        .map(PathBuf::from)
        .ok_or(NoHome { variable: "HOME" })?;
    Ok(match cfg!(target_os = "macos") {
        true => user.join("Library/Application Support/AutoVoice"),
        false => user.join(".local/share/autovoice"),
    })
}

/// Folders where hosts look for plugins of one format, the user's own first.
pub fn plugin_folders(
    format: PluginFormat,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let base = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let (hidden, proper) = match format {
        PluginFormat::Clap => ("clap", "CLAP"),
        PluginFormat::Vst3 => ("vst3", "VST3"),
    };
    let mut folders = Vec::new();
    if let (PluginFormat::Clap, Some(list)) = (format, variable("CLAP_PATH")) {
        folders.extend(env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()));
    }
    if cfg!(target_os = "windows") {
        folders.extend(base("LOCALAPPDATA").map(|b| b.join("Programs\\Common").join(proper)));
        folders.extend(base("COMMONPROGRAMFILES").map(|b| b.join(proper)));
    } else if cfg!(target_os = "macos") {
        folders.extend(base("HOME").map(|b| b.join("Library/Audio/Plug-Ins").join(proper)));
        folders.push(PathBuf::from("/Library/Audio/Plug-Ins").join(proper));
    } else {
        folders.extend(base("HOME").map(|b| b.join(format!(".{hidden}"))));
        folders.push(PathBuf::from("/usr/local/lib").join(hidden));
        folders.push(PathBuf::from("/usr/lib").join(hidden));
    }
    folders
}

/// A plugin format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginFormat {
    /// CLAP.
    Clap,
    /// VST3.
    Vst3,
}

impl PluginFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Clap, Self::Vst3];

    /// The name hosts use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clap => "CLAP",
            Self::Vst3 => "VST3",
        }
    }

    /// The name of our bundle in a plugin folder.
    #[must_use]
    pub fn bundle(self) -> &'static str {
        match self {
            Self::Clap => "AutoVoice.clap",
            Self::Vst3 => "AutoVoice.vst3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_variable_wins_then_xdg_then_home() {
        for (pairs, expected) in [
            (
                &[("AUTOVOICE_HOME", "/a"), ("XDG_DATA_HOME", "/x")][..],
                Some("/a"),
            ),
            (
                &[("AUTOVOICE_HOME", ""), ("XDG_DATA_HOME", "/x")],
                Some("/x/autovoice"),
            ),
            (
                &[("XDG_DATA_HOME", "relative"), ("HOME", "/h")],
                Some("/h/.local/share/autovoice"),
            ),
            (&[("HOME", "/h")], Some("/h/.local/share/autovoice")),
            (&[], None),
        ] {
            let got = home_from(environment(pairs)).ok();
            assert_eq!(got, expected.map(PathBuf::from), "{pairs:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn plugins_are_sought_in_the_users_folder_first() {
        let variables = environment(&[("HOME", "/h"), ("CLAP_PATH", "/one:/two")]);
        let clap = plugin_folders(PluginFormat::Clap, &variables);
        let expected = [
            "/one",
            "/two",
            "/h/.clap",
            "/usr/local/lib/clap",
            "/usr/lib/clap",
        ];
        assert_eq!(clap, expected.map(PathBuf::from));
        let vst3 = plugin_folders(PluginFormat::Vst3, &variables);
        assert_eq!(vst3[0], PathBuf::from("/h/.vst3"));
    }
}
