//! How a product is done: the one place that chooses.

use super::super::kernel::Kernel;
use super::Precision;

/// Outputs of a tile.
const TILE_OUTS: usize = 64;
/// The most stretches a sum is cut into.
const MOST_SPLITS: usize = 8;
/// The most threads of a block along the inputs; each takes four of them at a time.
const ALONG_THREADS: usize = 128;

/// The ways to do a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Blocks of four rows and four outputs, with threads along the inputs.
    Along4,
    /// The same of eight rows and eight outputs.
    Along8,
    /// Tiles of 16 rows, `f32`.
    Full16,
    /// Tiles of 64 rows, `f32`.
    Full64,
    /// Tiles of 8 rows by matrix instructions.
    Half8,
    /// Tiles of 32 rows by matrix instructions.
    Half32,
}

impl Form {
    /// Rows of a block.
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Along4 => 4,
            Self::Along8 | Self::Half8 => 8,
            Self::Full16 => 16,
            Self::Half32 => 32,
            Self::Full64 => 64,
        }
    }

    /// Outputs of a block.
    pub(super) fn outs(self) -> usize {
        match self {
            Self::Along4 => 4,
            Self::Along8 => 8,
            _ => TILE_OUTS,
        }
    }

    /// Whether a sum can be cut into stretches.
    pub(super) fn is_cut(self) -> bool {
        !matches!(self, Self::Along4 | Self::Along8)
    }

    /// Inputs worked on at a time, of which a stretch is a multiple.
    fn step(self) -> usize {
        match self {
            Self::Full16 | Self::Full64 => 16,
            _ => 32,
        }
    }

    /// The precision it is for; none where it does both.
    pub(super) fn precision(self) -> Option<Precision> {
        match self {
            Self::Along4 | Self::Along8 => None,
            Self::Full16 | Self::Full64 => Some(Precision::Full),
            Self::Half8 | Self::Half32 => Some(Precision::Half),
        }
    }

    /// The kernel, and the threads of its blocks for so many inputs.
    pub(super) fn kernel(self, precision: Precision, ins: usize) -> (Kernel, u32) {
        let along = ins.div_ceil(4).next_multiple_of(32).min(ALONG_THREADS) as u32;
        match (self, precision) {
            (Self::Along4, Precision::Full) => (Kernel::MatmulAlong4F32, along),
            (Self::Along4, Precision::Half) => (Kernel::MatmulAlong4F16, along),
            (Self::Along8, Precision::Full) => (Kernel::MatmulAlong8F32, along),
            (Self::Along8, Precision::Half) => (Kernel::MatmulAlong8F16, along),
            (Self::Full16, _) => (Kernel::MatmulTileF32Of16, 64),
            (Self::Full64, _) => (Kernel::MatmulTileF32Of64, 256),
            (Self::Half8, _) => (Kernel::MatmulTileF16Of8, 128),
            (Self::Half32, _) => (Kernel::MatmulTileF16Of32, 128),
        }
    }
}

/// How a product is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In which form.
    pub form: Form,
    /// Into how many stretches the sum is cut, that are added up by a second launch. 1 for
    /// [`Form::Few`], whose blocks are many.
    pub splits: usize,
}

impl Plan {
    /// For products of `rows` rows, `[groups, outs, ins]`, on a card with so many multiprocessors.
    ///
    /// With few products reading is all there is to it, and threads along the inputs read best: blocks of
    /// eight if these are enough to keep the card busy, else of four. Beyond, tiles are as large as there
    /// are rows and outputs to keep the card busy with them, and sums are cut into stretches, of at least
    /// two steps, until there are eight blocks for each multiprocessor. Where one form ends and the next
    /// begins was measured on an H100 (`benches/gpu`).
    #[must_use]
    pub fn choose(
        (groups, outs, ins): (usize, usize, usize),
        rows: usize,
        precision: Precision,
        multiprocessors: usize,
    ) -> Self {
        let blocks = |form: Form| groups * outs.div_ceil(form.outs()) * rows.div_ceil(form.rows());
        let products = groups * outs * rows * ins;
        let most = match precision {
            Precision::Full => 3 << 18,
            Precision::Half => 1 << 18,
        };
        if products <= most * multiprocessors || outs <= 8 {
            let fills = 4 < rows && multiprocessors <= blocks(Form::Along8);
            let form = if fills { Form::Along8 } else { Form::Along4 };
            return Self { form, splits: 1 };
        }
        let fills = |form: Form| multiprocessors <= 2 * blocks(form);
        let form = match precision {
            Precision::Full if fills(Form::Full64) => Form::Full64,
            Precision::Full => Form::Full16,
            Precision::Half if fills(Form::Half32) => Form::Half32,
            Precision::Half => Form::Half8,
        };
        let most = (ins / (2 * form.step())).clamp(1, MOST_SPLITS);
        let splits = (8 * multiprocessors / blocks(form)).clamp(1, most);
        Self { form, splits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_follow_from_shapes() {
        let table = [
            ((1, 768, 768), 1, Precision::Full, Form::Along4, 1),
            ((1, 768, 768), 8, Precision::Half, Form::Along4, 1),
            ((1, 3_072, 768), 6, Precision::Full, Form::Along8, 1),
            ((1, 3_072, 768), 18, Precision::Full, Form::Along8, 1),
            ((1, 3_072, 768), 18, Precision::Half, Form::Half8, 7),
            ((1, 3_072, 768), 54, Precision::Half, Form::Half32, 8),
            ((1, 3_072, 768), 54, Precision::Full, Form::Full16, 5),
            ((1, 3_072, 768), 200, Precision::Full, Form::Full64, 5),
            ((1, 256, 2_816), 120, Precision::Full, Form::Along8, 1),
            ((1, 256, 2_816), 120, Precision::Half, Form::Half8, 8),
            ((1, 32, 352), 4_800, Precision::Half, Form::Half32, 5),
            ((1, 4_096, 4_096), 4_096, Precision::Half, Form::Half32, 1),
            // The generator's last: one output.
            ((1, 1, 224), 4_800, Precision::Full, Form::Along8, 1),
        ];
        for (shape, rows, precision, form, splits) in table {
            let plan = Plan::choose(shape, rows, precision, 132);
            let want = Plan { form, splits };
            assert_eq!(plan, want, "{shape:?}, {rows}, {precision:?}");
        }
    }
}
