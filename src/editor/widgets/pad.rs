//! A pad for two parameters with a name at each corner: drag the point, shift for fine, double click
//! for the middle. With the keys: arrows step, shift for fine, Delete goes to the middle. A drag is
//! one step to undo.

use super::mark_focus;
use crate::editor::hand::Hand;
use crate::editor::theme;
use egui::{
    Align2, CursorIcon, EventFilter, FontId, Key, Pos2, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use nice_plug::params::{FloatParam, Param};

/// How far a key steps, and how far it steps finely.
const STEP: f32 = 0.05;
const FINE_STEP: f32 = 0.005;
/// How much farther a fine drag has to go.
const FINE: f32 = 10.0;
/// Between the edge and where the point can be.
const EDGE: f32 = 10.0;
const RADIUS: f32 = 6.0;
/// Points that a letter of a name takes, for cutting it.
const LETTER: f32 = 6.2;

/// What stands at a corner.
pub struct Corner {
    /// Whose it is.
    pub name: String,
    /// Its share, 0..=1, or why it has none.
    pub share: Result<f32, &'static str>,
}

/// A pad for two parameters.
pub struct Pad<'a> {
    /// The name that screen readers know it by, and that of the step to undo.
    pub name: &'static str,
    /// From left to right.
    pub x: &'a FloatParam,
    /// From below to above.
    pub y: &'a FloatParam,
    /// Above from left to right, then below.
    pub corners: [Corner; 4],
    /// Whether it is heard.
    pub is_on: bool,
}

impl Pad<'_> {
    /// Draws it in this place and passes on what the hand did.
    pub fn show(&self, ui: &mut Ui, hand: &Hand<'_>, rect: Rect) -> Response {
        let id = ui.scope_id().with(self.name);
        let response = ui
            .interact(rect, id, Sense::click_and_drag())
            .on_hover_and_drag_cursor(CursorIcon::Crosshair);
        let inner = rect.shrink(EDGE);
        self.drag(ui, hand, inner, &response);
        self.step_by_key(ui, hand, &response);
        mark_focus(ui, &response, rect.expand(1.0), 6.0);
        self.paint(ui, rect, inner, &response);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Slider, true, self.name);
            info.current_text_value = Some(self.spoken());
            info
        });
        response
    }

    /// The corner nearest to a place.
    pub fn corner_at(rect: Rect, at: Pos2) -> usize {
        let right = usize::from(rect.center().x < at.x);
        let below = usize::from(rect.center().y < at.y);
        2 * below + right
    }

    fn drag(&self, ui: &Ui, hand: &Hand<'_>, inner: Rect, response: &Response) {
        let held = response.id.with("held");
        let pointer = response.interact_pointer_pos();
        if response.double_clicked() {
            self.jump(hand, self.middle());
        } else if response.clicked()
            && let Some(at) = pointer
        {
            self.jump(hand, point_at(inner, at));
        } else if response.drag_started() {
            hand.begin_both(self.name, self.x, self.y);
            let start = self.place();
            ui.data_mut(|data| data.insert_temp(held, start));
        }
        if response.dragged()
            && let Some(at) = pointer
        {
            let is_fine = ui.input(|input| input.modifiers.shift);
            let now: Vec2 = ui.data(|data| data.get_temp(held)).unwrap_or(self.place());
            let now = match is_fine {
                true => nudged(now, response.drag_delta() / inner.size() / FINE),
                false => point_at(inner, at),
            };
            ui.data_mut(|data| data.insert_temp(held, now));
            hand.set(self.x, now.x);
            hand.set(self.y, now.y);
        }
        if response.drag_stopped() {
            hand.end_both(self.x, self.y);
        }
    }

    fn step_by_key(&self, ui: &Ui, hand: &Hand<'_>, response: &Response) {
        if !response.has_focus() {
            return;
        }
        // The arrows move the point, not the focus.
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        for (key, param, way) in [
            (Key::ArrowRight, self.x, 1.0),
            (Key::ArrowLeft, self.x, -1.0),
            (Key::ArrowUp, self.y, 1.0),
            (Key::ArrowDown, self.y, -1.0),
        ] {
            let (pressed, fine) = ui.input(|input| (input.key_pressed(key), input.modifiers.shift));
            if pressed {
                let step = if fine { FINE_STEP } else { STEP };
                let next = param.unmodulated_plain_value() + way * step;
                hand.set_once(param, next.clamp(0.0, 1.0));
            }
        }
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if pressed(Key::Delete) || pressed(Key::Backspace) {
            self.jump(hand, self.middle());
        }
    }

    /// Goes there in one step.
    fn jump(&self, hand: &Hand<'_>, to: Vec2) {
        hand.begin_both(self.name, self.x, self.y);
        hand.set(self.x, to.x);
        hand.set(self.y, to.y);
        hand.end_both(self.x, self.y);
    }

    /// Where the point is set.
    fn place(&self) -> Vec2 {
        vec2(
            self.x.unmodulated_plain_value(),
            self.y.unmodulated_plain_value(),
        )
    }

    fn middle(&self) -> Vec2 {
        vec2(self.x.default_plain_value(), self.y.default_plain_value())
    }

    /// What screen readers say of it.
    fn spoken(&self) -> String {
        let corners = self.corners.iter().map(|corner| match corner.share {
            Ok(share) => format!("{} {:.0} %", corner.name, 100.0 * share),
            Err(why) => format!("{} {why}", corner.name),
        });
        corners.collect::<Vec<_>>().join(", ")
    }

    fn paint(&self, ui: &Ui, rect: Rect, inner: Rect, response: &Response) {
        let colors = theme::of(ui);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let is_held = response.hovered() || response.dragged();
        let edge = match (self.is_on, is_held) {
            (true, _) => colors.accent.gamma_multiply(0.8),
            (false, true) => colors.dim,
            (false, false) => colors.line,
        };
        let line = Stroke::new(1.0, edge);
        painter.rect(rect, 6.0, colors.sunken, line, StrokeKind::Inside);
        let at = vec2(
            self.x.modulated_plain_value(),
            self.y.modulated_plain_value(),
        );
        let at = place_of(inner, at);
        let hair = Stroke::new(1.0, colors.line);
        painter.vline(at.x, inner.y_range(), hair);
        painter.hline(inner.x_range(), at.y, hair);
        for (corner, what) in self.corners.iter().enumerate() {
            self.paint_corner(ui, rect, corner, what);
        }
        let (fill, ring) = match self.is_on {
            true => (colors.accent, colors.text),
            false => (colors.raised, colors.dim),
        };
        painter.circle(at, RADIUS, fill, Stroke::new(1.5, ring));
    }

    fn paint_corner(&self, ui: &Ui, rect: Rect, corner: usize, what: &Corner) {
        let colors = theme::of(ui);
        let is_right = corner % 2 == 1;
        let is_below = 2 <= corner;
        let (name_align, share_align, anchor) = {
            let anchor = pos2(
                if is_right {
                    rect.right() - 7.0
                } else {
                    rect.left() + 7.0
                },
                if is_below {
                    rect.bottom() - 6.0
                } else {
                    rect.top() + 6.0
                },
            );
            match (is_right, is_below) {
                (false, false) => (Align2::LEFT_TOP, Align2::LEFT_TOP, anchor),
                (true, false) => (Align2::RIGHT_TOP, Align2::RIGHT_TOP, anchor),
                (false, true) => (Align2::LEFT_BOTTOM, Align2::LEFT_BOTTOM, anchor),
                (true, true) => (Align2::RIGHT_BOTTOM, Align2::RIGHT_BOTTOM, anchor),
            }
        };
        let font = FontId::proportional(11.5);
        let line = if is_below {
            vec2(0.0, -13.0)
        } else {
            vec2(0.0, 13.0)
        };
        let (first, second) = if is_below {
            (line, Vec2::ZERO)
        } else {
            (Vec2::ZERO, line)
        };
        let most = (0.5 * rect.width() / LETTER) as usize;
        let name = cut(&what.name, most);
        let (text, color) = match what.share {
            Ok(share) => (format!("{:.0} %", 100.0 * share), self.lit(ui)),
            Err(why) => (why.to_owned(), colors.dim),
        };
        let painter = ui.painter();
        let name_color = if what.share.is_ok() {
            colors.text
        } else {
            colors.dim
        };
        painter.text(anchor + first, name_align, name, font.clone(), name_color);
        painter.text(anchor + second, share_align, text, font, color);
    }

    fn lit(&self, ui: &Ui) -> egui::Color32 {
        let colors = theme::of(ui);
        if self.is_on {
            colors.accent
        } else {
            colors.dim
        }
    }
}

/// A name of at most so many letters.
fn cut(name: &str, most: usize) -> String {
    match name.chars().count() <= most {
        true => name.to_owned(),
        false => {
            let kept = name.chars().take(most.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// The point at a place on the screen; beyond the pad it is at its edge.
fn point_at(inner: Rect, at: Pos2) -> Vec2 {
    let way = (at - inner.min) / inner.size();
    vec2(way.x, 1.0 - way.y).clamp(Vec2::ZERO, Vec2::splat(1.0))
}

/// The place of a point on the screen.
fn place_of(inner: Rect, point: Vec2) -> Pos2 {
    inner.min + vec2(point.x, 1.0 - point.y) * inner.size()
}

/// A point moved by so much of the pad's size, on the screen.
fn nudged(point: Vec2, by: Vec2) -> Vec2 {
    (point + vec2(by.x, -by.y)).clamp(Vec2::ZERO, Vec2::splat(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_where_they_are_touched() {
        let pad = Rect::from_min_size(pos2(100.0, 50.0), vec2(200.0, 100.0));
        for (at, point) in [
            (pos2(100.0, 50.0), vec2(0.0, 1.0)),
            (pos2(300.0, 150.0), vec2(1.0, 0.0)),
            (pos2(150.0, 125.0), vec2(0.25, 0.25)),
            (pos2(-7.0, 999.0), vec2(0.0, 0.0)),
        ] {
            assert_eq!(point_at(pad, at), point, "{at:?}");
            assert_eq!(
                place_of(pad, point),
                at.clamp(pad.min, pad.max),
                "{point:?}"
            );
        }
        assert_eq!(nudged(vec2(0.5, 0.5), vec2(0.25, 0.25)), vec2(0.75, 0.25));
        assert_eq!(nudged(vec2(0.9, 0.1), vec2(0.5, 0.5)), vec2(1.0, 0.0));
        for (at, corner) in [(0, 0), (1, 1), (2, 2), (3, 3)].map(|(at, corner)| {
            let corners = [
                pad.left_top(),
                pad.right_top(),
                pad.left_bottom(),
                pad.right_bottom(),
            ];
            (corners[at], corner)
        }) {
            assert_eq!(Pad::corner_at(pad, at), corner);
        }
        assert_eq!(cut("Wilhelmina", 6), "Wilhe…");
        assert_eq!(cut("Bo", 6), "Bo");
    }
}
