//! A knob: drag to turn, shift for fine, double click to reset, wheel to step, click the number to
//! type it. With the keys: arrows step, Page Up and Down go far, Enter types, Delete resets. A
//! stepped knob stops at whole steps unless it is turned finely.

use super::{mark_focus, shown};
use crate::editor::hand::Hand;
use crate::editor::theme;
use egui::{
    Align2, CursorIcon, Event, EventFilter, Id, Key, MouseWheelUnit, Painter, Pos2, Rect, Response,
    Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use nice_plug::params::{FloatParam, Param};
use std::f32::consts::PI;

/// Points of dragging from one end to the other.
const TRAVEL: f32 = 180.0;
/// How much farther a fine drag has to go.
const FINE: f32 = 10.0;
/// A trackpad's way that counts as one notch of a wheel.
const POINTS_PER_NOTCH: f32 = 24.0;
/// Notches that Page Up and Page Down are worth.
const NOTCHES_PER_PAGE: f32 = 12.0;
/// Angles of both ends, clockwise from the right.
const ENDS: (f32, f32) = (0.75 * PI, 2.25 * PI);
const LABEL_HEIGHT: f32 = 16.0;
const VALUE_HEIGHT: f32 = 20.0;

/// A knob for one parameter.
pub struct Knob<'a> {
    param: &'a FloatParam,
    hand: &'a Hand<'a>,
    diameter: f32,
    width: f32,
    origin: f32,
    step: Option<f32>,
}

impl<'a> Knob<'a> {
    /// A knob of the usual size whose arc starts at the low end.
    pub fn new(param: &'a FloatParam, hand: &'a Hand<'a>) -> Self {
        Self {
            param,
            hand,
            diameter: 44.0,
            width: 76.0,
            origin: 0.0,
            step: None,
        }
    }

    /// A big one.
    pub fn big(mut self) -> Self {
        self.diameter = 92.0;
        self.width = 132.0;
        self
    }

    /// Drag and wheel stop at multiples of this; finely turned, the wheel goes a tenth of it.
    pub fn stepped(mut self, step: f32) -> Self {
        self.step = Some(step);
        self
    }

    /// The arc starts at this value instead of the low end.
    pub fn centered_on(mut self, value: f32) -> Self {
        self.origin = self.param.preview_normalized(value);
        self
    }

    /// Draws it and passes on what the hand did.
    pub fn show(self, ui: &mut Ui) -> Response {
        let size = vec2(
            self.width,
            LABEL_HEIGHT + self.diameter + VALUE_HEIGHT + 4.0,
        );
        let (_, rect) = ui.allocate_space(size);
        let id = ui.scope_id().with(("knob", self.param.name()));
        let dial = Rect::from_center_size(
            pos2(
                rect.center().x,
                rect.top() + LABEL_HEIGHT + 2.0 + self.diameter / 2.0,
            ),
            Vec2::splat(self.diameter),
        );
        let response = ui
            .interact(dial, id, Sense::click_and_drag())
            .on_hover_and_drag_cursor(CursorIcon::ResizeVertical);
        self.turn(ui, &response);
        self.step_by_key(ui, &response, id.with("typed"));
        mark_focus(ui, &response, rect.expand(2.0), 6.0);
        self.paint(ui, rect, dial, &response);
        self.show_value(ui, rect, id);
        response.widget_info(|| {
            let value = f64::from(self.param.unmodulated_plain_value());
            WidgetInfo::slider(true, value, self.param.name())
        });
        response
    }

    fn turn(&self, ui: &Ui, response: &Response) {
        let held = response.id.with("held");
        if response.double_clicked() {
            self.hand
                .set_once(self.param, self.param.default_plain_value());
        } else if response.drag_started() {
            self.hand.begin(self.param);
            let start = self.param.unmodulated_normalized_value();
            ui.data_mut(|data| data.insert_temp(held, start));
        }
        if response.dragged() {
            let fine = ui.input(|input| input.modifiers.shift);
            let start = ui.data(|data| data.get_temp(held)).unwrap_or(0.0);
            let now = dragged(start, response.drag_delta(), fine);
            ui.data_mut(|data| data.insert_temp(held, now));
            let value = self.param.preview_plain(now);
            let value = match self.step {
                Some(step) if !fine => (value / step).round() * step,
                _ => value,
            };
            self.hand.set(self.param, value);
        }
        if response.drag_stopped() {
            self.hand.end(self.param);
        }
        if response.hovered() && !response.dragged() {
            self.step_by_wheel(ui, response.id);
        }
    }

    fn step_by_wheel(&self, ui: &Ui, id: Id) {
        let (turned, fine) = ui.input(|input| {
            let turned: f32 = input.events.iter().map(notches).sum();
            (turned, input.modifiers.shift)
        });
        // A trackpad sends fractions of a notch, which add up.
        let rest = id.with("wheel");
        let turned = turned + ui.data(|data| data.get_temp(rest)).unwrap_or(0.0);
        let notches = turned.trunc();
        ui.data_mut(|data| data.insert_temp(rest, turned - notches));
        self.step_by(notches.signum() * notches.abs().min(1.0), fine);
    }

    /// Goes so many notches up.
    fn step_by(&self, notches: f32, fine: bool) {
        if notches == 0.0 {
            return;
        }
        let now = self.param.unmodulated_plain_value();
        let next = match self.step {
            Some(step) => {
                let step = if fine { step / 10.0 } else { step };
                let next = ((now + notches * step) / step).round() * step;
                // Through the normalized value, which keeps it in range.
                self.param
                    .preview_plain(self.param.preview_normalized(next))
            }
            None => (0..notches.abs() as usize).fold(now, |value, _| match 0.0 < notches {
                true => self.param.next_step(value, fine),
                false => self.param.previous_step(value, fine),
            }),
        };
        self.hand.set_once(self.param, next);
    }

    fn step_by_key(&self, ui: &Ui, response: &Response, typed: Id) {
        if !response.has_focus() {
            return;
        }
        // The arrows move the knob, not the focus.
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        for (key, notches) in [
            (Key::ArrowUp, 1.0),
            (Key::ArrowRight, 1.0),
            (Key::ArrowDown, -1.0),
            (Key::ArrowLeft, -1.0),
            (Key::PageUp, NOTCHES_PER_PAGE),
            (Key::PageDown, -NOTCHES_PER_PAGE),
        ] {
            let (pressed, fine) = ui.input(|input| (input.key_pressed(key), input.modifiers.shift));
            if pressed {
                self.step_by(notches, fine);
            }
        }
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if pressed(Key::Delete) || pressed(Key::Backspace) {
            let default = self.param.default_plain_value();
            self.hand.set_once(self.param, default);
        }
        if pressed(Key::Enter) {
            ui.data_mut(|data| data.insert_temp(typed, shown(self.param)));
        }
    }

    fn paint(&self, ui: &Ui, rect: Rect, dial: Rect, response: &Response) {
        let painter = ui.painter();
        let colors = theme::of(ui);
        let is_held = response.dragged() || response.hovered();
        painter.text(
            rect.center_top(),
            Align2::CENTER_TOP,
            self.param.name(),
            theme::label(),
            if is_held { colors.text } else { colors.dim },
        );
        let radius = self.diameter / 2.0;
        let track = (self.diameter * 0.075).max(3.5);
        let arc_radius = radius - track / 2.0;
        let center = dial.center();
        let value = self.param.modulated_normalized_value();
        arc(
            painter,
            center,
            arc_radius,
            0.0,
            1.0,
            Stroke::new(track, colors.sunken),
        );
        let (from, to) = match value < self.origin {
            true => (value, self.origin),
            false => (self.origin, value),
        };
        arc(
            painter,
            center,
            arc_radius,
            from,
            to,
            Stroke::new(track, colors.accent),
        );
        let body = radius - track - 4.0;
        let edge = if is_held { colors.dim } else { colors.line };
        painter.circle(center, body, colors.raised, Stroke::new(1.0, edge));
        let tip = direction(value);
        painter.line_segment(
            [center + tip * (body * 0.42), center + tip * (body - 3.0)],
            Stroke::new((track * 0.75).max(2.5), colors.text),
        );
    }

    fn show_value(&self, ui: &mut Ui, rect: Rect, id: Id) {
        let place = Rect::from_min_max(
            pos2(rect.left(), rect.bottom() - VALUE_HEIGHT),
            rect.right_bottom(),
        );
        let typed = id.with("typed");
        match ui.data(|data| data.get_temp::<String>(typed)) {
            Some(text) => self.edit_value(ui, place, typed, text),
            None => {
                let response = ui
                    .interact(place, id.with("value"), Sense::click())
                    .on_hover_cursor(CursorIcon::Text);
                let colors = theme::of(ui);
                let color = match response.hovered() {
                    true => colors.accent,
                    false => colors.text,
                };
                ui.painter().text(
                    place.center(),
                    Align2::CENTER_CENTER,
                    shown(self.param),
                    theme::value(),
                    color,
                );
                if response.clicked() {
                    ui.data_mut(|data| data.insert_temp(typed, shown(self.param)));
                }
            }
        }
    }

    fn edit_value(&self, ui: &mut Ui, place: Rect, typed: Id, mut text: String) {
        let colors = theme::of(ui);
        let entered = self.param.string_to_normalized_value(&text);
        let field_id = typed.with("field");
        let is_new = ui.data(|data| data.get_temp::<bool>(field_id)).is_none();
        let field = TextEdit::singleline(&mut text)
            .id(field_id)
            .font(theme::value())
            .margin(egui::Margin::symmetric(4, 1))
            .text_color(match entered {
                Some(_) => colors.text,
                None => colors.danger,
            })
            .align(egui::Align2::CENTER_CENTER);
        let response = ui.place(place, field);
        if is_new {
            response.request_focus();
            select_all(ui, field_id, text.chars().count());
            ui.data_mut(|data| data.insert_temp(field_id, true));
        }
        if !is_new && response.lost_focus() {
            let is_confirmed = ui.input(|input| input.key_pressed(Key::Enter));
            if let (true, Some(normalized)) = (is_confirmed, entered) {
                let value = self.param.preview_plain(normalized);
                self.hand.set_once(self.param, value);
            }
            ui.data_mut(|data| {
                data.remove_temp::<String>(typed);
                data.remove_temp::<bool>(field_id);
            });
        } else {
            ui.data_mut(|data| data.insert_temp(typed, text));
        }
    }
}

fn select_all(ui: &Ui, field: Id, length: usize) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::text_edit::TextEditState::load(ui.ctx(), field).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(length));
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), field);
}

/// Where a drag leads: up and right are more.
fn dragged(start: f32, delta: Vec2, fine: bool) -> f32 {
    let travel = if fine { TRAVEL * FINE } else { TRAVEL };
    (start + (delta.x - delta.y) / travel).clamp(0.0, 1.0)
}

/// Notches of a wheel, up counting positive.
fn notches(event: &Event) -> f32 {
    let Event::MouseWheel { unit, delta, .. } = event else {
        return 0.0;
    };
    // With shift held, some systems turn the wheel sideways.
    let delta = delta.x + delta.y;
    match unit {
        MouseWheelUnit::Point => delta / POINTS_PER_NOTCH,
        MouseWheelUnit::Line | MouseWheelUnit::Page => delta,
    }
}

fn direction(value: f32) -> Vec2 {
    let (low, high) = ENDS;
    Vec2::angled(low + (high - low) * value)
}

fn arc(painter: &Painter, center: Pos2, radius: f32, from: f32, to: f32, stroke: Stroke) {
    // A point every three degrees looks round at any size drawn here.
    let steps = ((to - from) * 90.0).ceil().max(1.0) as usize;
    let points = (0..=steps)
        .map(|step| {
            let value = from + (to - from) * step as f32 / steps as f32;
            center + direction(value) * radius
        })
        .collect();
    painter.line(points, stroke);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dragging_covers_the_range_and_stops_at_its_ends() {
        for (start, delta, fine, expected) in [
            (0.5, vec2(0.0, -TRAVEL / 2.0), false, 1.0),
            (0.5, vec2(0.0, TRAVEL), false, 0.0),
            (0.5, vec2(TRAVEL / 4.0, 0.0), false, 0.75),
            (0.5, vec2(0.0, -TRAVEL / 2.0), true, 0.55),
        ] {
            let got = dragged(start, delta, fine);
            assert!((got - expected).abs() < 1e-6, "{delta:?}: {got}");
        }
    }
}
