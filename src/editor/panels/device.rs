//! On which device voices of RVC are sung: the choice, for all instances of the program.

use crate::compute::{self, Choice};
use crate::editor::theme;
use egui::{ComboBox, RichText, Ui};

const TIP: &str = "Where the networks of RVC voices run. Auto takes the best card of NVIDIA's, or the CPU. \
                   Holds for every instance at once, and for the next start.";

pub fn show(ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 2.0;
    let label = RichText::new("Device").font(theme::label());
    ui.label(label.color(theme::of(ui).dim));
    let now = compute::chosen();
    let mut all = vec![
        (Choice::Auto, "Auto".to_owned()),
        (Choice::Cpu, "CPU".to_owned()),
    ];
    let cards = compute::known_cards();
    all.extend(cards.iter().map(|(ordinal, name)| {
        let choice = Choice::Cuda(Some(*ordinal));
        (choice, format!("{choice}  ·  {name}"))
    }));
    let shown = all.iter().find(|(choice, _)| *choice == now);
    let shown = shown.map_or_else(|| now.to_string(), |(_, name)| name.clone());
    let list = ComboBox::from_id_salt("device")
        .width(110.0)
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (choice, name) in &all {
                if ui.selectable_label(*choice == now, name).clicked() && *choice != now {
                    compute::choose(*choice);
                    // What is not remembered holds until the program ends.
                    let _ = compute::remember(*choice);
                }
            }
        });
    list.response.on_hover_text(TIP);
}
