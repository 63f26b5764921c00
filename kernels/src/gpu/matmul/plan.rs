//! How a product is done: the one place that chooses.

use super::super::kernel::Kernel;
use super::Precision;

/// Outputs and rows of a block of the form for few rows.
const FEW_OUTS: usize = 4;
const FEW_ROWS: usize = 4;
/// Outputs of a tile.
const TILE_OUTS: usize = 64;
/// The most stretches a sum is cut into.
const MOST_SPLITS: usize = 8;

/// The ways to do a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Blocks of four outputs along the weights: for few rows or outputs.
    Few,
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
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Few => FEW_ROWS,
            Self::Half8 => 8,
            Self::Full16 => 16,
            Self::Half32 => 32,
            Self::Full64 => 64,
        }
    }

    pub(super) fn outs(self) -> usize {
        match self {
            Self::Few => FEW_OUTS,
            _ => TILE_OUTS,
        }
    }

    /// Inputs worked on at a time, of which a stretch is a multiple.
    fn step(self) -> usize {
        match self {
            Self::Full16 | Self::Full64 => 16,
            Self::Few | Self::Half8 | Self::Half32 => 32,
        }
    }

    /// The precision it is for; none where it does both.
    pub(super) fn precision(self) -> Option<Precision> {
        match self {
            Self::Few => None,
            Self::Full16 | Self::Full64 => Some(Precision::Full),
            Self::Half8 | Self::Half32 => Some(Precision::Half),
        }
    }

    pub(super) fn kernel(self, precision: Precision) -> (Kernel, u32) {
        match (self, precision) {
            (Self::Few, Precision::Full) => (Kernel::MatmulFewF32, 128),
            (Self::Few, Precision::Half) => (Kernel::MatmulFewF16, 128),
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
    /// Up to eight rows reading the weights is all there is to it, and so it is with few outputs.
    /// Beyond, tiles are as large as there are rows to fill them, and where there are too few to keep
    /// the card busy the sums are cut: into stretches of at least four steps, or the second launch
    /// costs more than it saves.
    #[must_use]
    pub fn choose(
        (groups, outs, ins): (usize, usize, usize),
        rows: usize,
        precision: Precision,
        multiprocessors: usize,
    ) -> Self {
        let form = match precision {
            _ if rows <= 2 * FEW_ROWS || outs <= 2 * FEW_OUTS => Form::Few,
            Precision::Full if rows <= 48 => Form::Full16,
            Precision::Full => Form::Full64,
            Precision::Half if rows <= 16 => Form::Half8,
            Precision::Half => Form::Half32,
        };
        if form == Form::Few {
            return Self { form, splits: 1 };
        }
        let blocks = groups * outs.div_ceil(form.outs()) * rows.div_ceil(form.rows());
        let most = (ins / (4 * form.step())).clamp(1, MOST_SPLITS);
        let splits = (2 * multiprocessors / blocks).clamp(1, most);
        Self { form, splits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_follow_from_shapes() {
        let table = [
            ((1, 768, 768), 1, Precision::Full, Form::Few, 1),
            ((1, 768, 768), 8, Precision::Half, Form::Few, 1),
            ((1, 768, 768), 9, Precision::Full, Form::Full16, 5),
            ((1, 768, 768), 9, Precision::Half, Form::Half8, 2),
            ((1, 768, 768), 40, Precision::Half, Form::Half32, 2),
            ((1, 768, 64), 9, Precision::Full, Form::Full16, 1),
            ((1, 256, 2816), 4_000, Precision::Full, Form::Full64, 1),
            // The generator's last: one output.
            ((1, 1, 224), 4_000, Precision::Full, Form::Few, 1),
        ];
        for (shape, rows, precision, form, splits) in table {
            let plan = Plan::choose(shape, rows, precision, 30);
            let want = Plan { form, splits };
            assert_eq!(plan, want, "{shape:?}, {rows}, {precision:?}");
        }
    }
}
