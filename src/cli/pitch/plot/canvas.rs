//! A picture in memory: rectangles, letters, smooth lines. Pure.

use super::font;

/// Red, green and blue, sRGB.
pub(super) type Color = [u8; 3];

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// Pixels, rows from the top.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color>,
}

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Area {
    pub(super) fn right(&self) -> usize {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> usize {
        self.top + self.height
    }
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, color: Color) -> Self {
        Self {
            width,
            height,
            pixels: vec![color; width * height],
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Every pixel's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.pixels.as_flattened()
    }

    /// Lays a colour over a pixel, 0 (not at all) to 1; nothing outside the picture.
    pub(super) fn blend(&mut self, x: usize, y: usize, color: Color, share: f32) {
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            *pixel = mix(*pixel, color, share);
        }
    }

    pub(super) fn fill(&mut self, area: Area, color: Color, share: f32) {
        for y in area.top..area.bottom() {
            for x in area.left..area.right() {
                self.blend(x, y, color, share);
            }
        }
    }

    /// Writes a line of text around a height; `size` pixels to a dot.
    pub(super) fn text(
        &mut self,
        text: &str,
        (x, middle): (usize, usize),
        align: Align,
        size: usize,
        color: Color,
    ) {
        let width = text_width(text, size);
        let mut left = match align {
            Align::Left => x,
            Align::Center => x.saturating_sub(width / 2),
            Align::Right => x.saturating_sub(width),
        };
        let top = middle.saturating_sub(font::HEIGHT * size / 2);
        for letter in text.chars() {
            for (row, bits) in font::glyph(letter).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|c| bits >> (font::WIDTH - 1 - c) & 1 == 1) {
                    let dot = Area {
                        left: left + column * size,
                        top: top + row * size,
                        width: size,
                        height: size,
                    };
                    self.fill(dot, color, 1.0);
                }
            }
            left += font::ADVANCE * size;
        }
    }

    /// Lays a colour over an area where a mask says so.
    pub(super) fn stroke(&mut self, area: Area, mask: &Mask, color: Color) {
        for y in 0..area.height {
            for x in 0..area.width {
                let share = mask.shares[y * mask.width + x];
                if share > 0.0 {
                    self.blend(area.left + x, area.top + y, color, share);
                }
            }
        }
    }
}

/// Pixels that a text takes.
pub(super) fn text_width(text: &str, size: usize) -> usize {
    (text.chars().count() * font::ADVANCE * size).saturating_sub(size)
}

/// A colour between two.
pub(super) fn mix(a: Color, b: Color, share: f32) -> Color {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|i| {
        let (a, b) = (f32::from(a[i]), f32::from(b[i]));
        // In range: between two bytes.
        (a + share * (b - a)).round() as u8
    })
}

/// How far each pixel of an area is covered by lines. Where lines cross they do not add up.
pub(super) struct Mask {
    width: usize,
    height: usize,
    shares: Vec<f32>,
}

impl Mask {
    pub(super) fn new(area: Area) -> Self {
        Self {
            width: area.width,
            height: area.height,
            shares: vec![0.0; area.width * area.height],
        }
    }

    /// Adds a round-ended line so many pixels wide, opaque to this share.
    pub(super) fn line(&mut self, from: (f32, f32), to: (f32, f32), width: f32, share: f32) {
        let reach = 0.5 * width + 1.0;
        let span = |a: f32, b: f32, most: usize| {
            // The casts saturate: what lies outside is cut off.
            let low = (a.min(b) - reach).floor() as usize;
            let high = (a.max(b) + reach).ceil() as usize + 1;
            low..high.min(most)
        };
        for y in span(from.1, to.1, self.height) {
            for x in span(from.0, to.0, self.width) {
                let pixel = (x as f32 + 0.5, y as f32 + 0.5);
                let inside = 0.5 * width + 0.5 - distance(pixel, from, to);
                let covered = share * inside.clamp(0.0, 1.0);
                let old = &mut self.shares[y * self.width + x];
                *old = old.max(covered);
            }
        }
    }
}

/// Distance of a point from a line between two.
fn distance(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).max(1e-12);
    let along = (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0);
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Color = [0; 3];
    const WHITE: Color = [255; 3];

    #[test]
    fn text_stands_where_it_is_put() {
        for (align, expected) in [
            (Align::Left, 20..25),
            (Align::Center, 18..23),
            (Align::Right, 15..20),
        ] {
            let mut canvas = Canvas::new(40, 20, BLACK);
            canvas.text("H", (20, 10), align, 1, WHITE);
            let lit = |x: usize| (0..20).any(|y| canvas.pixels[y * 40 + x] == WHITE);
            let columns: Vec<usize> = (0..40).filter(|&x| lit(x)).collect();
            assert_eq!(columns, expected.collect::<Vec<_>>(), "{align:?}");
        }
        assert_eq!(text_width("AB", 2), 22);
    }

    #[test]
    fn lines_cover_their_pixels_and_no_others() {
        let area = Area {
            left: 2,
            top: 3,
            width: 20,
            height: 20,
        };
        let mut mask = Mask::new(area);
        mask.line((2.5, 5.5), (15.5, 5.5), 3.0, 0.8);
        // Outside the area: cut off, not wrapped around.
        mask.line((-40.0, -30.0), (-10.0, -30.0), 3.0, 1.0);
        let share = |x: usize, y: usize| mask.shares[y * 20 + x];
        assert_eq!((share(8, 5), share(8, 4), share(8, 6)), (0.8, 0.8, 0.8));
        assert_eq!((share(8, 2), share(8, 9), share(19, 5)), (0.0, 0.0, 0.0));
        let mut canvas = Canvas::new(30, 30, BLACK);
        canvas.stroke(area, &mask, WHITE);
        assert_eq!(canvas.pixels[(5 + 3) * 30 + 8 + 2], [204; 3]);
    }
}
