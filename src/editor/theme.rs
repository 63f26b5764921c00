//! Colours, type sizes and spacing of the editor, dark and light. GUI thread; holds no state.

use egui::{Color32, Context, CornerRadius, FontId, Stroke, TextStyle, Theme, Ui, Visuals, vec2};

/// The colours of one look, by what they are for.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind everything.
    pub background: Color32,
    /// A panel.
    pub panel: Color32,
    /// What stands out of a panel: knobs, buttons.
    pub raised: Color32,
    /// What lies in a panel: tracks, displays.
    pub sunken: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Values.
    pub text: Color32,
    /// Labels.
    pub dim: Color32,
    /// What is on, and the converted voice.
    pub accent: Color32,
    /// The voice as it is sung.
    pub sung: Color32,
    /// What is wrong.
    pub danger: Color32,
    /// White and black keys that are not in the scale.
    pub keys: (Color32, Color32),
}

/// For the stage.
pub const DARK: Palette = Palette {
    background: Color32::from_rgb(0x12, 0x15, 0x1a),
    panel: Color32::from_rgb(0x1b, 0x1f, 0x27),
    raised: Color32::from_rgb(0x2a, 0x30, 0x3b),
    sunken: Color32::from_rgb(0x0e, 0x11, 0x15),
    line: Color32::from_rgb(0x3a, 0x42, 0x50),
    text: Color32::from_rgb(0xe3, 0xe7, 0xee),
    dim: Color32::from_rgb(0x96, 0xa0, 0xb0),
    accent: Color32::from_rgb(0x3d, 0xd1, 0xb0),
    sung: Color32::from_rgb(0xf2, 0xa9, 0x4b),
    danger: Color32::from_rgb(0xf4, 0x6d, 0x6d),
    keys: (Color32::from_gray(0xc4), Color32::from_gray(0x22)),
};

/// For daylight.
pub const LIGHT: Palette = Palette {
    background: Color32::from_rgb(0xdf, 0xe3, 0xe9),
    panel: Color32::from_rgb(0xf6, 0xf7, 0xf9),
    raised: Color32::from_rgb(0xff, 0xff, 0xff),
    sunken: Color32::from_rgb(0xe4, 0xe8, 0xee),
    line: Color32::from_rgb(0xb4, 0xbd, 0xc9),
    text: Color32::from_rgb(0x18, 0x1e, 0x27),
    dim: Color32::from_rgb(0x54, 0x5e, 0x6d),
    accent: Color32::from_rgb(0x00, 0x71, 0x5b),
    sung: Color32::from_rgb(0x97, 0x4f, 0x00),
    danger: Color32::from_rgb(0xb8, 0x22, 0x22),
    keys: (Color32::from_gray(0xff), Color32::from_gray(0x50)),
};

/// Corners of panels, in points.
pub const RADIUS: CornerRadius = CornerRadius::same(8);

/// The colours that are shown now.
#[must_use]
pub fn of(ui: &Ui) -> &'static Palette {
    palette(ui.visuals().dark_mode)
}

/// The colours of a look.
#[must_use]
pub fn palette(is_dark: bool) -> &'static Palette {
    if is_dark { &DARK } else { &LIGHT }
}

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
pub fn apply(ctx: &Context, is_dark: bool) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme == Theme::Dark);
            style.spacing.item_spacing = vec2(8.0, 6.0);
            style.spacing.button_padding = vec2(8.0, 3.0);
            style.spacing.interact_size.y = 24.0;
            style.interaction.selectable_labels = false;
            style.interaction.tooltip_delay = 0.6;
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
    ctx.set_theme(if is_dark { Theme::Dark } else { Theme::Light });
}

fn visuals(is_dark: bool) -> Visuals {
    let colors = palette(is_dark);
    let mut visuals = match is_dark {
        true => Visuals::dark(),
        false => Visuals::light(),
    };
    visuals.override_text_color = Some(colors.text);
    visuals.weak_text_color = Some(colors.dim);
    visuals.panel_fill = colors.background;
    visuals.window_fill = colors.panel;
    visuals.window_stroke = Stroke::new(1.0, colors.line);
    visuals.extreme_bg_color = colors.sunken;
    visuals.selection.bg_fill = colors.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, colors.accent);
    let widgets = &mut visuals.widgets;
    for (widget, line) in [
        (&mut widgets.inactive, colors.line),
        (&mut widgets.hovered, colors.dim),
        (&mut widgets.active, colors.accent),
        (&mut widgets.open, colors.accent),
    ] {
        widget.bg_fill = colors.raised;
        widget.weak_bg_fill = colors.raised;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, colors.text);
        widget.corner_radius = CornerRadius::same(5);
        widget.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2).
    fn luminance(color: Color32) -> f32 {
        let linear = |byte: u8| {
            let share = f32::from(byte) / 255.0;
            match share <= 0.04045 {
                true => share / 12.92,
                false => ((share + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    /// Contrast ratio (WCAG 2.2).
    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn everything_written_can_be_read() {
        for (look, colors) in [("dark", DARK), ("light", LIGHT)] {
            for (name, text) in [
                ("text", colors.text),
                ("dim", colors.dim),
                ("accent", colors.accent),
                ("sung", colors.sung),
                ("danger", colors.danger),
            ] {
                for (place, ground) in [
                    ("background", colors.background),
                    ("panel", colors.panel),
                    ("raised", colors.raised),
                    ("sunken", colors.sunken),
                ] {
                    // 4.5 is what WCAG asks of small text.
                    let ratio = contrast(text, ground);
                    assert!(4.5 <= ratio, "{look}: {name} on {place}: {ratio:.2}");
                }
            }
        }
    }
}
