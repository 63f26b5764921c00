//! A list to choose one value of a stepped parameter from.

use super::shown;
use crate::editor::hand::Hand;
use crate::editor::theme;
use egui::{ComboBox, Response, RichText, Ui};
use nice_plug::params::range::IntRange;
use nice_plug::params::{IntParam, Param};

/// Draws the parameter's name above a list of all its values; `note` says what stands behind a
/// value in the list.
pub fn choice(
    ui: &mut Ui,
    hand: &Hand<'_>,
    param: &IntParam,
    width: f32,
    note: impl Fn(i32) -> Option<String>,
) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let label = RichText::new(param.name()).font(theme::label());
        ui.label(label.color(theme::of(ui).dim));
        let (first, last) = match param.range() {
            IntRange::Linear { min, max } => (min, max),
            IntRange::Reversed(inner) => match *inner {
                IntRange::Linear { min, max } => (min, max),
                IntRange::Reversed(_) => return ui.label("?"),
            },
        };
        let now = param.modulated_plain_value();
        ComboBox::from_id_salt(param.name())
            .width(width)
            .height(400.0)
            .selected_text(shown(param))
            .show_ui(ui, |ui| {
                for value in first..=last {
                    let name =
                        param.normalized_value_to_string(param.preview_normalized(value), true);
                    let name = match note(value) {
                        Some(note) => format!("{name}  ·  {note}"),
                        None => name,
                    };
                    if ui.selectable_label(value == now, name).clicked() && value != now {
                        hand.set_once(param, value);
                    }
                }
            })
            .response
    })
    .inner
}
