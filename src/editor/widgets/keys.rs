//! One octave of keys showing the notes of the scale; a click makes a scale of one's own.

use super::mark_focus;
use crate::editor::hand::Hand;
use crate::editor::theme;
use crate::editor::tips::tip;
use crate::pitch::{Key, Scale, ScaleMask};
use crate::plugin::AutoVoiceParams;
use crate::plugin::text::{key_of, mask_of, scale_of};
use egui::{Color32, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use nice_plug::params::Param;

const WHITE: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];
/// Black keys and the white key they follow.
const BLACK: [(u8, f32); 5] = [(1, 1.0), (3, 2.0), (6, 4.0), (8, 5.0), (10, 6.0)];

/// The notes the scale settings lead to.
pub fn current_mask(params: &AutoVoiceParams) -> ScaleMask {
    let correction = &params.correction;
    let custom = mask_of(correction.custom_scale.value());
    scale_of(correction.scale.value()).mask(key_of(correction.key.value()), custom)
}

/// The set with one note turned over; `None` when it would be empty.
fn turned_over(mask: ScaleMask, note: u8) -> Option<ScaleMask> {
    match mask.bits() ^ (1 << note) {
        0 => None,
        bits => Some(ScaleMask::from_bits(bits)),
    }
}

/// Draws the keys; a click turns a note over in the custom scale and makes that the scale. The
/// last note stays.
pub fn keyboard(ui: &mut Ui, hand: &Hand<'_>, params: &AutoVoiceParams, size: egui::Vec2) {
    let colors = theme::of(ui);
    let (_, rect) = ui.allocate_space(size);
    let mask = current_mask(params);
    let has_tonic = !matches!(
        scale_of(params.correction.scale.value()),
        Scale::Chromatic | Scale::Custom
    );
    let tonic = key_of(params.correction.key.value());
    let (white, black) = colors.keys;
    for (note, place, is_black) in keys(rect) {
        let is_in = mask.contains(i32::from(note));
        let name = Key::from_pitch_class(note).name();
        // A black key is drawn after the white ones it lies on, and is hit before them.
        let id = ui.scope_id().with(("key", note));
        let response = ui.interact(place, id, Sense::click());
        if response.clicked()
            && let Some(turned) = turned_over(mask, note)
        {
            set_custom(hand, params, turned);
        }
        let fill = match (is_in, is_black) {
            (true, false) => colors.accent,
            (true, true) => colors.accent.lerp_to_gamma(Color32::BLACK, 0.45),
            (false, false) => white,
            (false, true) => black,
        };
        let fill = match response.hovered() {
            true => fill.gamma_multiply(0.8),
            false => fill,
        };
        let painter = ui.painter();
        let line = Stroke::new(1.5, colors.panel);
        painter.rect(place, 3.0, fill, line, StrokeKind::Inside);
        if has_tonic && note == tonic.pitch_class() {
            let dot = pos2(place.center().x, place.bottom() - 9.0);
            painter.circle_filled(dot, 3.5, colors.sunken);
        }
        mark_focus(ui, &response, place.shrink(2.0), 3.0);
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_in, name));
        let state = if is_in {
            "in the scale"
        } else {
            "not in the scale"
        };
        response.on_hover_text(format!("{name}, {state}. {}", tip("custom_scale")));
    }
}

/// Makes these notes the custom scale, and that the scale.
fn set_custom(hand: &Hand<'_>, params: &AutoVoiceParams, notes: ScaleMask) {
    let correction = &params.correction;
    let mut values = vec![(
        "custom_scale",
        correction
            .custom_scale
            .preview_normalized(i32::from(notes.bits())),
    )];
    let custom = Scale::ALL.iter().position(|s| *s == Scale::Custom);
    if let Some(custom) = custom.and_then(|at| i32::try_from(at).ok()) {
        values.push(("scale", correction.scale.preview_normalized(custom)));
    }
    hand.apply("Scale", &values);
}

/// Every key with its place, white ones first.
fn keys(rect: Rect) -> impl Iterator<Item = (u8, Rect, bool)> {
    let width = rect.width() / WHITE.len() as f32;
    let white = WHITE.into_iter().enumerate().map(move |(at, note)| {
        let left = rect.left() + width * at as f32;
        let key = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        (note, key, false)
    });
    let black = BLACK.into_iter().map(move |(note, after)| {
        let key = vec2(width * 0.62, rect.height() * 0.6);
        let left = rect.left() + width * after - key.x / 2.0;
        (note, Rect::from_min_size(pos2(left, rect.top()), key), true)
    });
    white.chain(black)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_at(rect: Rect, at: egui::Pos2) -> Option<u8> {
        keys(rect)
            .filter(|(_, key, _)| key.contains(at))
            .last()
            .map(|(note, ..)| note)
    }

    #[test]
    fn every_note_has_one_key_and_black_lies_on_white() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(140.0, 60.0));
        for note in 0..12u8 {
            assert_eq!(keys(rect).filter(|(n, ..)| *n == note).count(), 1);
        }
        assert_eq!(key_at(rect, pos2(20.0, 10.0)), Some(1));
        assert_eq!(key_at(rect, pos2(20.1, 55.0)), Some(2));
        assert_eq!(key_at(rect, pos2(130.0, 55.0)), Some(11));
        assert_eq!(key_at(rect, pos2(130.0, 65.0)), None);
    }

    #[test]
    fn the_last_note_stays() {
        let one = ScaleMask::from_bits(1 << 4);
        assert_eq!(turned_over(one, 4), None);
        assert_eq!(turned_over(one, 5).map(ScaleMask::bits), Some(0b11_0000));
    }
}
