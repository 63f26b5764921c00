//! Colours, type sizes and spacing of the editor. GUI thread; holds no state.

use egui::{Color32, Context, CornerRadius, FontId, Stroke, TextStyle, Visuals, vec2};

/// Behind everything.
pub const BACKGROUND: Color32 = Color32::from_rgb(0x12, 0x15, 0x1a);
/// A panel.
pub const PANEL: Color32 = Color32::from_rgb(0x1b, 0x1f, 0x27);
/// What stands out of a panel: knobs, buttons.
pub const RAISED: Color32 = Color32::from_rgb(0x2a, 0x30, 0x3b);
/// What lies in a panel: tracks, displays.
pub const SUNKEN: Color32 = Color32::from_rgb(0x0e, 0x11, 0x15);
/// Lines between things.
pub const LINE: Color32 = Color32::from_rgb(0x33, 0x3a, 0x47);
/// Values.
pub const TEXT: Color32 = Color32::from_rgb(0xe3, 0xe7, 0xee);
/// Labels.
pub const DIM: Color32 = Color32::from_rgb(0x8b, 0x95, 0xa6);
/// What is on, and the converted voice.
pub const ACCENT: Color32 = Color32::from_rgb(0x3d, 0xd1, 0xb0);
/// The voice as it is sung.
pub const SUNG: Color32 = Color32::from_rgb(0xf2, 0xa9, 0x4b);
/// What is wrong.
pub const DANGER: Color32 = Color32::from_rgb(0xf0, 0x5d, 0x5d);
/// Corners of panels, in points.
pub const RADIUS: CornerRadius = CornerRadius::same(8);

/// Labels of knobs and panels.
#[must_use]
pub fn label() -> FontId {
    FontId::proportional(11.5)
}

/// Values of knobs.
#[must_use]
pub fn value() -> FontId {
    FontId::proportional(13.0)
}

/// Sets the look of a window.
pub fn apply(ctx: &Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        style.visuals = visuals();
        style.spacing.item_spacing = vec2(8.0, 6.0);
        style.spacing.button_padding = vec2(8.0, 3.0);
        style.spacing.interact_size.y = 24.0;
        style.interaction.selectable_labels = false;
        for (name, size) in [
            (TextStyle::Heading, 20.0),
            (TextStyle::Body, 13.0),
            (TextStyle::Button, 13.0),
            (TextStyle::Small, 11.5),
        ] {
            style.text_styles.insert(name, FontId::proportional(size));
        }
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = SUNKEN;
    visuals.selection.bg_fill = ACCENT.gamma_multiply(0.45);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    let widgets = &mut visuals.widgets;
    for (widget, line) in [
        (&mut widgets.inactive, LINE),
        (&mut widgets.hovered, DIM),
        (&mut widgets.active, ACCENT),
        (&mut widgets.open, ACCENT),
    ] {
        widget.bg_fill = RAISED;
        widget.weak_bg_fill = RAISED;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, TEXT);
        widget.corner_radius = CornerRadius::same(5);
        widget.expansion = 0.0;
    }
    visuals
}
