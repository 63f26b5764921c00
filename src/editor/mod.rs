//! The editor: parameters out, meters in, nothing else. Runs on the host's GUI thread.

use crate::plugin::{AutoVoiceParams, Feed};
use nice_plug_egui::{EguiEditor, EguiEditorState, EguiNiceSettings, NiceEguiApp, RepaintNotifier};
use std::sync::Arc;

/// The editor's window.
pub type Window = EguiEditor<App>;

/// What is drawn.
pub struct App {
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
}

impl NiceEguiApp for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut nice_plug_egui::Frame) {
        ui.label(self.params.voice.pitch.to_string());
        ui.label(self.feed.newest().engine);
    }
}

/// The editor of these parameters, closed.
#[must_use]
pub fn window(params: Arc<AutoVoiceParams>, feed: Arc<Feed>) -> Option<Window> {
    nice_plug_egui::create_egui_editor(
        EguiEditorState::from_size(
            nice_plug::editor::dpi::LogicalSize::new(960.0f32, 640.0),
            1.0,
        ),
        RepaintNotifier::default(),
        EguiNiceSettings::new().with_tile("AutoVoice"),
        App { params, feed },
    )
}
