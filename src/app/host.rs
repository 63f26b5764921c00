//! The app in the place of a host: what the editor asks of one, answered for one set of
//! parameters. GUI and control threads. The framework declares its host interface `unsafe` so that
//! only hosts use it.

use crate::io::{DocumentError, Existing, read_document, write_document};
use crate::plugin::AutoVoiceParams;
use crate::plugin::params::ParamRef;
use crate::plugin::presets::{Change, changes};
use crate::plugin::state;
use crate::plugin::voices::Rack;
use crate::preset::Values;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::params::InternalParamMut as _;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{Param as _, Params as _, PluginState};
use std::path::Path;
use std::sync::Arc;

/// No state of ours is longer.
const MOST_BYTES: usize = 256 << 10;

/// Sets parameters for the editor.
pub struct Host {
    params: Arc<AutoVoiceParams>,
}

impl Host {
    /// The host of these parameters.
    #[must_use]
    pub fn new(params: Arc<AutoVoiceParams>) -> Self {
        Self { params }
    }

    /// What the editor is opened with.
    #[must_use]
    pub fn context(params: Arc<AutoVoiceParams>) -> GuiContext {
        GuiContext::new(Arc::new(Self::new(params)))
    }

    /// Reads the values of the last run.
    ///
    /// # Errors
    /// What is wrong with the file, as people read it; the values are then as they were.
    pub fn load(&self, path: &Path) -> Result<(), String> {
        let found = |found: String| {
            let place = path.display();
            format!("expected the last run's sound in {place}, found {found}; defaults are used")
        };
        let text = match read_document(path, MOST_BYTES) {
            Ok(text) => text,
            Err(DocumentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(found(error.to_string())),
        };
        let state = serde_json::from_str(&text).map_err(|error| found(error.to_string()))?;
        self.set_state(state);
        Ok(())
    }

    /// Writes the values for the next run.
    ///
    /// # Errors
    /// What went wrong, as people read it.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        write_document(path, &self.text(), Existing::Replace)
            .map(drop)
            .map_err(|error| format!("expected to write {}, found: {error}", path.display()))
    }

    /// The values as [`Self::save`] writes them.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(&self.get_state()).expect("numbers and texts by name")
    }

    /// Sets a parameter to what a text says: "pitch", "+3 st".
    ///
    /// # Errors
    /// What was expected, as people read it.
    pub fn set_text(&self, id: &str, text: &str) -> Result<(), String> {
        let all = self.params.all();
        let Some((_, param)) = all.iter().find(|(known, _)| *known == id) else {
            let ids: Vec<&str> = all.iter().map(|(id, _)| *id).collect();
            return Err(format!(
                "expected one of {}, found \"{id}\"",
                ids.join(", ")
            ));
        };
        let normalized = match param {
            ParamRef::Float(param) => param.string_to_normalized_value(text),
            ParamRef::Int(param) => param.string_to_normalized_value(text),
            ParamRef::Bool(param) => param.string_to_normalized_value(text),
        };
        let normalized = normalized.filter(|value| !value.is_nan());
        let normalized =
            normalized.ok_or_else(|| format!("expected a value of {id}, found \"{text}\""))?;
        Self::set(*param, normalized.clamp(0.0, 1.0));
        Ok(())
    }

    /// The slots.
    #[must_use]
    pub fn rack(&self) -> &Rack {
        &self.params.rack
    }

    /// The slot selected, 0 for none.
    #[must_use]
    pub fn slot(&self) -> usize {
        usize::try_from(self.params.voice.slot.value()).unwrap_or(0)
    }

    /// Sets the parameters that have a value here; the others stay.
    pub fn set_values(&self, values: &Values) {
        for change in changes(&self.params, values) {
            let (param, normalized) = match change {
                Change::Float(p, value) => (ParamRef::Float(p), p.preview_normalized(value)),
                Change::Int(p, value) => (ParamRef::Int(p), p.preview_normalized(value)),
                Change::Bool(p, value) => (ParamRef::Bool(p), p.preview_normalized(value)),
            };
            Self::set(param, normalized);
        }
    }

    /// Sets a parameter to a normalized value, 0..=1.
    #[allow(unsafe_code, reason = "only hosts may do this, and this is one")]
    fn set(param: ParamRef<'_>, normalized: f32) {
        // SAFETY: these are marked so that only hosts call them, and this is the host. The
        // references are alive, the values are atomics.
        unsafe {
            match param {
                ParamRef::Float(param) => param._internal_set_normalized_value(normalized),
                ParamRef::Int(param) => param._internal_set_normalized_value(normalized),
                ParamRef::Bool(param) => param._internal_set_normalized_value(normalized),
            }
        };
    }
}

/// None of these follows the pointer it is given: it is held against those of our parameters.
#[allow(unsafe_code, reason = "only hosts may do this, and this is one")]
impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    // Nobody records gestures here.
    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        let all = self.params.all();
        if let Some((_, ours)) = all.into_iter().find(|(_, ours)| ours.pointer() == param) {
            Self::set(ours, normalized);
        }
    }

    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}

    fn get_state(&self) -> PluginState {
        let values = self.params.all().map(|(id, param)| {
            let value = match param {
                ParamRef::Float(param) => ParamValue::F32(param.unmodulated_plain_value()),
                ParamRef::Int(param) => ParamValue::I32(param.unmodulated_plain_value()),
                ParamRef::Bool(param) => ParamValue::Bool(param.unmodulated_plain_value()),
            };
            (id.to_owned(), value)
        });
        PluginState {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            params: values.into(),
            fields: self.params.serialize_fields(),
        }
    }

    fn set_state(&self, mut state: PluginState) {
        state::filter(&mut state);
        for (id, param) in self.params.all() {
            let normalized = match (param, state.params.get(id)) {
                (ParamRef::Float(p), Some(ParamValue::F32(value))) => p.preview_normalized(*value),
                (ParamRef::Int(p), Some(ParamValue::I32(value))) => p.preview_normalized(*value),
                (ParamRef::Bool(p), Some(ParamValue::Bool(value))) => p.preview_normalized(*value),
                _ => continue,
            };
            Self::set(param, normalized);
        }
        self.params.deserialize_fields(&state.fields);
    }

    // The supervisor sees by itself what only a new path can change.
    fn request_restart(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Library;

    #[test]
    fn the_sound_of_the_last_run_comes_back() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("settings/sound.json");
        let params = Arc::<AutoVoiceParams>::default();
        let context = Host::context(params.clone());
        let setter = context.param_setter();
        setter.set_parameter(&params.voice.pitch, 7.0);
        setter.set_parameter(&params.levels.limiter, false);
        setter.set_parameter(&params.voice.range, 3);
        Host::new(params).save(&path).expect("writable");

        let others = Arc::<AutoVoiceParams>::default();
        let host = Host::new(others.clone());
        host.load(&path).expect("what was written");
        assert!((others.voice.pitch.value() - 7.0).abs() < 1e-3);
        assert!(!others.levels.limiter.value());
        assert_eq!(others.voice.range.value(), 3);

        std::fs::write(&path, "{").expect("writable");
        assert!(
            host.load(&path)
                .expect_err("damaged")
                .contains("sound.json")
        );
        assert_eq!(others.voice.range.value(), 3, "nothing is changed");
        std::fs::remove_file(&path).expect("there");
        host.load(&path).expect("no file is the first run");
    }

    #[test]
    fn a_preset_sets_the_sound_and_leaves_the_rest() {
        let params = Arc::<AutoVoiceParams>::default();
        let host = Host::new(params.clone());
        host.set_text("range", "High").expect("a range");
        host.set_text("mix", "20").expect("a share");
        let (preset, ..) = Library::factory().choose("octave down").expect("there");
        host.set_values(&preset.resolve(&|_| None).values);
        assert_eq!(params.voice.pitch.value(), -12.0);
        assert_eq!(params.levels.mix.value(), 1.0);
        assert_eq!(params.voice.range.value(), 3);
    }

    #[test]
    fn parameters_of_others_are_not_touched() {
        let (ours, others) = (
            Arc::<AutoVoiceParams>::default(),
            Arc::<AutoVoiceParams>::default(),
        );
        let context = Host::context(ours);
        context
            .param_setter()
            .set_parameter(&others.voice.pitch, 5.0);
        assert!(others.voice.pitch.value().abs() < 1e-6);
    }
}
