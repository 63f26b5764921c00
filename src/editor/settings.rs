//! How the window looks, remembered for every instance and the next start. A small document in
//! the user's folder; GUI thread.

use crate::io::{DocumentError, Existing, folders, read_document, write_document};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const FILE: &str = "editor.toml";
const MOST_BYTES: usize = 4_096;
/// Smallest and largest window in points.
pub const SIZES: ((f32, f32), (f32, f32)) = ((480.0, 300.0), (3840.0, 2160.0));
/// What the scale can be set to.
pub const SCALES: [f32; 7] = [0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5];

/// What is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scene {
    /// Everything there is to set.
    #[default]
    Studio,
    /// What is looked at and touched while singing, big.
    Stage,
}

/// How the window looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSettings {
    /// Dark colours, or light ones.
    pub dark: bool,
    /// Size of everything, as a factor.
    pub scale: f32,
    /// What is shown.
    pub scene: Scene,
    /// Whether the presets are listed.
    pub presets: bool,
    /// Width and height of the studio in points.
    pub studio: (f32, f32),
    /// Width and height of the stage in points.
    pub stage: (f32, f32),
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            dark: true,
            scale: 1.0,
            scene: Scene::default(),
            presets: false,
            studio: (1080.0, 720.0),
            stage: (720.0, 400.0),
        }
    }
}

impl WindowSettings {
    /// The document that windows are remembered in; none without a home.
    #[must_use]
    pub fn file() -> Option<PathBuf> {
        folders::settings().ok().map(|folder| folder.join(FILE))
    }

    /// What was remembered; where there is nothing, or nothing usable, what everybody starts with.
    /// The second value says what was wrong.
    #[must_use]
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let text = match read_document(path, MOST_BYTES) {
            Ok(text) => text,
            Err(DocumentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Self::default(), None);
            }
            Err(error) => return (Self::default(), Some(not_used(path, &error.to_string()))),
        };
        match toml::from_str::<Self>(&text) {
            Ok(settings) => (settings.clamped(), None),
            Err(error) => (
                Self::default(),
                Some(not_used(path, error.message().trim_end())),
            ),
        }
    }

    /// Remembers it.
    ///
    /// # Errors
    /// What kept it from being written, for the musician.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        write_document(path, &text, Existing::Replace)
            .map(|_| ())
            .map_err(|error| {
                format!(
                    "The window is not remembered in {}: {error}",
                    path.display()
                )
            })
    }

    /// The size of the window in points.
    #[must_use]
    pub fn size(&self) -> (f32, f32) {
        match self.scene {
            Scene::Studio => self.studio,
            Scene::Stage => self.stage,
        }
    }

    /// Takes in a new size of the window in points.
    pub fn resized(&mut self, size: (f32, f32)) {
        match self.scene {
            Scene::Studio => self.studio = size,
            Scene::Stage => self.stage = size,
        }
        *self = self.clamped();
    }

    fn clamped(mut self) -> Self {
        let default = Self::default();
        let ((least_width, least_height), (most_width, most_height)) = SIZES;
        for (size, usual) in [
            (&mut self.studio, default.studio),
            (&mut self.stage, default.stage),
        ] {
            let is_size = size.0.is_finite() && size.1.is_finite();
            let (width, height) = if is_size { *size } else { usual };
            *size = (
                width.clamp(least_width, most_width),
                height.clamp(least_height, most_height),
            );
        }
        if !self.scale.is_finite() {
            self.scale = default.scale;
        }
        let (least, most) = (SCALES[0], SCALES[SCALES.len() - 1]);
        let wanted = self.scale.clamp(least, most);
        let distance = |scale: &f32| (scale - wanted).abs();
        let nearest = SCALES
            .into_iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        self.scale = nearest.unwrap_or(default.scale);
        self
    }
}

fn not_used(path: &Path, why: &str) -> String {
    let path = path.display();
    format!("The window starts as new: {path} is not usable ({why}). Delete it to be rid of this.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("settings").join(FILE);
        assert_eq!(
            WindowSettings::load(&path),
            (WindowSettings::default(), None)
        );
        let settings = WindowSettings {
            dark: false,
            scale: 2.0,
            scene: Scene::Stage,
            presets: true,
            studio: (1200.0, 800.0),
            stage: (500.0, 333.0),
        };
        settings.save(&path).expect("writable");
        assert_eq!(WindowSettings::load(&path), (settings, None));
    }

    #[test]
    fn what_is_damaged_is_told_and_what_is_odd_is_put_right() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join(FILE);
        let default = WindowSettings::default();
        for (text, expected, is_told) in [
            ("", default, false),
            ("dark = 7", default, true),
            ("\u{0}", default, true),
            ("unknown = 1\nscale = nan", default, false),
            (
                "scale = 1e9\nstudio = [1.0, inf]",
                WindowSettings {
                    scale: 2.5,
                    ..default
                },
                false,
            ),
            (
                "scale = 1.3\nstage = [1.0, 99999.0]",
                WindowSettings {
                    scale: 1.25,
                    stage: (480.0, 2160.0),
                    ..default
                },
                false,
            ),
        ] {
            std::fs::write(&path, text).expect("writable");
            let (settings, notice) = WindowSettings::load(&path);
            assert_eq!((settings, notice.is_some()), (expected, is_told), "{text}");
        }
    }
}
