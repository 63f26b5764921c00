//! The morph pad: the voices in the slots at its corners, and what is between them. GUI thread.

use super::slots;
use crate::editor::View;
use crate::editor::tips::tip;
use crate::editor::widgets::pad::{Corner, Pad};
use crate::plugin::voices::{CornerState, SLOTS};
use egui::{Rect, Response, Ui};

/// Whether the voice selected can be blended with another.
pub fn has_company(view: &View<'_>) -> bool {
    view.voices.has_company(slots::selected(view))
}

/// Draws the pad in this place.
pub fn pad(ui: &mut Ui, view: &View<'_>, rect: Rect) {
    let states = view.voices.corners(slots::selected(view));
    let present = states.map(|state| state == CornerState::Present);
    let morph = &view.params.morph;
    let shares = view.params.point().shares(present);
    let pad = Pad {
        name: "Morph pad",
        x: &morph.x,
        y: &morph.y,
        corners: std::array::from_fn(|at| Corner {
            name: name(view, at),
            share: match states[at] {
                CornerState::Present => Ok(shares[at]),
                state => Err(state.word()),
            },
        }),
        is_on: morph.on.value() && has_company(view),
    };
    let response = pad.show(ui, view.hand, rect);
    explain(response, rect, states);
}

/// What stands at a corner: the number of its slot, and the name of its voice.
fn name(view: &View<'_>, at: usize) -> String {
    let voice = view.voices.slots[at].voice.as_ref();
    let number = at + 1;
    voice.map_or_else(
        || format!("{number}  –"),
        |voice| format!("{number}  {}", voice.name),
    )
}

/// What the pad does, or why nobody is at the corner that the pointer rests on.
fn explain(response: Response, rect: Rect, states: [CornerState; SLOTS]) {
    let pointer = response.hover_pos();
    let corner = pointer.map(|at| Pad::corner_at(rect, at));
    let reason = corner.map_or("", |corner| states[corner].reason());
    response.on_hover_ui(|ui| {
        ui.set_max_width(300.0);
        ui.label(tip("morph"));
        if !reason.is_empty() {
            ui.label(reason);
        }
    });
}
