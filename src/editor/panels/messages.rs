//! What a musician should know about: one line per fact, the worst first.

use super::slots;
use super::voice::is_ours;
use crate::bridge::HostConfig;
use crate::editor::View;
use crate::editor::theme::Palette;
use crate::plugin::voices::SlotState;
use egui::Color32;

pub struct Message {
    pub text: String,
    pub color: Color32,
}

/// Everything to know now, in the colours of this look.
pub fn collect(view: &View<'_>, colors: &Palette) -> Vec<Message> {
    let now = view.now;
    let mut messages = Vec::new();
    let mut add = |color, text: &str| {
        messages.push(Message {
            text: text.to_owned(),
            color,
        });
    };
    if now.panicked {
        add(
            colors.danger,
            "The audio path failed: the dry voice is passed on. Switch the plugin off and on \
             to try again.",
        );
    }
    if 0 < now.rate_hz && !HostConfig::converts_at(now.rate_hz) {
        let (lowest, highest) = HostConfig::RATES_HZ;
        let text = format!(
            "Voices are converted at {lowest} to {highest} Hz; the host runs at {} Hz, so the dry \
             voice is passed on. Choose another rate in the host.",
            now.rate_hz
        );
        add(colors.danger, &text);
    }
    if let Some(notice) = view.notice {
        add(colors.sung, notice);
    }
    let notice = view.params.load_report.notice();
    if !notice.is_empty() {
        add(colors.sung, &format!("Saved state: {notice}"));
    }
    if view.awaits_restart {
        add(
            colors.sung,
            "Voice range, pitch tracker, quality, threads, a slower voice or latency reporting wait \
             for the host to restart the plugin. If it does not, switch the plugin off and on.",
        );
    }
    if now.realtime_priority == Some(false) {
        add(
            colors.sung,
            "The system grants the engine no real-time priority: dropouts are likelier. On \
             Linux, give your user an rtprio limit (group \"audio\").",
        );
    }
    let selected = slots::selected(view);
    for (at, slot) in view.voices.slots.iter().enumerate() {
        let name = slot.voice.as_ref().map_or("", |voice| voice.name.as_str());
        let number = at + 1;
        match &slot.state {
            SlotState::Failed(reason) => {
                add(
                    colors.danger,
                    &format!(
                        "Voice {number}, {name}: {reason}. Until then the shift engine is heard."
                    ),
                );
            }
            SlotState::Empty if selected == number => add(
                colors.dim,
                "This slot holds no voice: the shift engine is heard.",
            ),
            SlotState::Loading if selected == number => add(
                colors.dim,
                &format!("{name} is being loaded: the shift engine is heard."),
            ),
            _ => {}
        }
        if let Some(note) = &slot.place.note {
            add(colors.sung, &format!("Voice {number}, {name}: {note}."));
        }
    }
    if is_too_quick(view, selected) {
        add(
            colors.sung,
            "Quality Quick takes an NVIDIA card: a processor is late with every step, and the dry voice is \
             heard instead. Choose another quality, or a card under Device.",
        );
    }
    if let Some(said) = &view.voices.said {
        let color = if said.is_error {
            colors.sung
        } else {
            colors.dim
        };
        add(color, &said.text);
    }
    if !view.params.system.report_latency.value() {
        add(
            colors.dim,
            "The delay is not reported: the host does not line this track up.",
        );
    }
    messages
}

/// Whether a voice that is ready to be heard has a quality for cards and no card.
fn is_too_quick(view: &View<'_>, slot: usize) -> bool {
    let is_on_cpu = view.voices.slot(slot).is_some_and(|shown| {
        shown.state == SlotState::Ready && shown.place.device.is_none() && !is_ours(view, slot)
    });
    view.params.wanted().quality.is_for_cards() && is_on_cpu
}
