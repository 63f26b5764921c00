//! Retrieval: content features are drawn towards the nearest ones the voice was trained on, found
//! in an inverted file (Jégou, Douze & Schmid, "Product quantization for nearest neighbor
//! search", 2011, without the quantization), as RVC does it. Never the audio thread: it does not
//! allocate, but the vectors may lie in a mapped file, and reading them wait for a disk. Knows no
//! files: the arrays are lent to it.

use std::ops::Range;
use std::sync::Arc;

use autovoice_kernels::cpu::squared_distances;

/// The arrays of an index: vectors in lists, each list the vectors nearest to one centroid.
#[derive(Clone, Copy, Debug)]
pub struct IndexView<'a> {
    /// Values of a vector.
    pub dim: usize,
    /// `[lists, dim]`.
    pub centroids: &'a [f32],
    /// `[lists + 1]`: list `l` is `vectors[offsets[l] .. offsets[l + 1]]`.
    pub offsets: &'a [u64],
    /// `[count, dim]`, list after list.
    pub vectors: &'a [f32],
    /// `[count]`: which of the voice's training frames each vector was.
    pub ids: &'a [i64],
}

/// Who owns the arrays of an index, from whatever place. All instances share one.
pub trait IndexData: Send + Sync {
    /// The arrays, the same for as long as this lives. Real-time safe.
    fn view(&self) -> IndexView<'_>;
}

/// Arrays that do not make an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct IndexShapeError {
    /// What an index has.
    pub expected: &'static str,
    /// What these have.
    pub found: String,
}

impl IndexView<'_> {
    /// Whether the arrays are those of an index with at least one vector. Reads the offsets only.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self) -> Result<(), IndexShapeError> {
        let count = self.ids.len();
        let lists = self.offsets.len().saturating_sub(1);
        let shaped = |values: usize, rows: usize| rows.checked_mul(self.dim) == Some(values);
        let last = self.offsets.last().copied().unwrap_or_default();
        let falls = self.offsets.iter().zip(self.offsets.iter().skip(1));
        let table: [(bool, &'static str, String); 5] = [
            (
                0 < self.dim && 0 < lists && 0 < count,
                "vectors in lists",
                format!("{count} vectors of {} values in {lists} lists", self.dim),
            ),
            (
                shaped(self.centroids.len(), lists),
                "a centroid for each list",
                format!("{} values for {lists} lists", self.centroids.len()),
            ),
            (
                shaped(self.vectors.len(), count),
                "an id for each vector",
                format!("{count} ids for {} values", self.vectors.len()),
            ),
            (
                self.offsets.first() == Some(&0) && last == count as u64,
                "lists from the first vector to the last",
                format!("lists that end at {last} of {count}"),
            ),
            (
                falls.clone().all(|(from, to)| from <= to),
                "lists one after another",
                "one that ends before it begins".to_owned(),
            ),
        ];
        match table.into_iter().find(|(is_good, ..)| !is_good) {
            None => Ok(()),
            Some((_, expected, found)) => Err(IndexShapeError { expected, found }),
        }
    }

    /// The vectors of a list, by number; empty where the arrays are not those of an index.
    fn list(&self, list: usize) -> Range<usize> {
        let end = |at: usize| match self.offsets.get(at) {
            Some(end) => usize::try_from(*end).unwrap_or(0).min(self.ids.len()),
            None => 0,
        };
        end(list)..end(list + 1)
    }
}

/// Which vectors are looked at for a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// Those in the list of the nearest centroid: what RVC does (`nprobe` 1).
    #[default]
    NearestList,
    /// All: never farther neighbours, at the cost of reading the whole index.
    All,
}

/// A vector near to a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its id, -1 where there are no more neighbours.
    pub id: i64,
    /// The squared distance, [`f32::MAX`] where there are no more neighbours.
    pub squared: f32,
    /// Its number in the index.
    row: usize,
}

impl Neighbour {
    const NONE: Self = Self {
        id: -1,
        squared: f32::MAX,
        row: 0,
    };
}

/// The nearest vectors of one frame, nearest first; of two as near the one with the smaller id.
pub type Neighbours = [Neighbour; Retrieval::NEIGHBOURS];

/// Vectors whose distances are taken at a time.
const BLOCK: usize = 64;

/// Finds what features resemble and draws them there. One per stream; the index is shared.
pub struct Retrieval {
    index: Arc<dyn IndexData>,
    search: Search,
    /// `[frames, BLOCK]`
    distances: Vec<f32>,
    /// Of each frame the nearest list so far, and how far its centroid is.
    nearest: [(usize, f32); Self::MOST_FRAMES],
    found: [Neighbours; Self::MOST_FRAMES],
    /// One frame.
    retrieved: Vec<f32>,
}

impl Retrieval {
    /// How many neighbours a frame is drawn to, as in RVC.
    pub const NEIGHBOURS: usize = 8;
    /// Frames that share one pass over the centroids.
    pub const MOST_FRAMES: usize = 32;

    /// For one stream. Allocates its work memory, not the vectors.
    ///
    /// # Errors
    /// [`IndexShapeError`] when the arrays do not fit together.
    pub fn new(index: Arc<dyn IndexData>, search: Search) -> Result<Self, IndexShapeError> {
        let view = index.view();
        view.check()?;
        let dim = view.dim;
        Ok(Self {
            index,
            search,
            distances: vec![0.0; Self::MOST_FRAMES * BLOCK],
            nearest: [(0, f32::MAX); Self::MOST_FRAMES],
            found: [[Neighbour::NONE; Self::NEIGHBOURS]; Self::MOST_FRAMES],
            retrieved: vec![0.0; dim],
        })
    }

    /// Values of one frame of features.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.retrieved.len()
    }

    /// Which vectors are looked at from now on. Real-time safe.
    pub fn set_search(&mut self, search: Search) {
        self.search = search;
    }

    /// The nearest vectors of each frame of `features [frames, dim]`, with at most
    /// [`Self::MOST_FRAMES`] frames. Frames that are no numbers have no neighbours. Allocates
    /// nothing; reads the index.
    ///
    /// # Panics
    /// If there are more frames, or no whole number of them.
    pub fn search(&mut self, features: &[f32]) -> &[Neighbours] {
        let dim = self.dim();
        assert!(features.len().is_multiple_of(dim), "whole frames");
        let frames = features.len() / dim;
        assert!(frames <= Self::MOST_FRAMES, "at most so many frames");
        self.found[..frames].fill([Neighbour::NONE; Self::NEIGHBOURS]);
        let index = Arc::clone(&self.index);
        let view = index.view();
        match self.search {
            Search::All => self.look_at(&view, 0..view.ids.len(), features, 0),
            Search::NearestList => {
                self.find_lists(&view, features);
                for (frame, x) in features.chunks_exact(dim).enumerate() {
                    let (list, squared) = self.nearest[frame];
                    if squared < f32::MAX {
                        self.look_at(&view, view.list(list), x, frame);
                    }
                }
            }
        }
        &self.found[..frames]
    }

    /// Draws `features [frames, dim]` to their neighbours, any number of frames:
    /// `rate * retrieved + (1 - rate) * features`, where nearer neighbours count more, by the
    /// inverse square of their squared distance. Frames without neighbours stay as they are.
    /// Allocates nothing; reads the index.
    ///
    /// # Panics
    /// If there is no whole number of frames.
    pub fn blend(&mut self, features: &mut [f32], rate: f32) {
        let dim = self.dim();
        if rate == 0.0 {
            return;
        }
        for features in features.chunks_mut(Self::MOST_FRAMES * dim) {
            self.search(features);
            let index = Arc::clone(&self.index);
            let vectors = index.view().vectors;
            for (frame, features) in features.chunks_exact_mut(dim).enumerate() {
                let Some(weights) = weights(&self.found[frame]) else {
                    continue;
                };
                self.retrieved.fill(0.0);
                for (neighbour, weight) in self.found[frame].iter().zip(weights) {
                    let vector = vectors.get(neighbour.row * dim..).unwrap_or_default();
                    for (sum, x) in self.retrieved.iter_mut().zip(vector) {
                        *sum += weight * x;
                    }
                }
                for (feature, retrieved) in features.iter_mut().zip(&self.retrieved) {
                    *feature = rate * retrieved + (1.0 - rate) * *feature;
                }
            }
        }
    }

    /// The list of each frame: the first of the nearest centroids.
    fn find_lists(&mut self, view: &IndexView<'_>, features: &[f32]) {
        let frames = features.len() / view.dim;
        self.nearest[..frames].fill((0, f32::MAX));
        for (block, centroids) in view.centroids.chunks(BLOCK * view.dim).enumerate() {
            let count = centroids.len() / view.dim;
            let distances = &mut self.distances[..frames * count];
            squared_distances(features, centroids, view.dim, distances);
            for (distances, nearest) in distances.chunks_exact(count).zip(&mut self.nearest) {
                for (n, squared) in distances.iter().enumerate() {
                    if *squared < nearest.1 {
                        *nearest = (block * BLOCK + n, *squared);
                    }
                }
            }
        }
    }

    /// Takes what is near of some vectors; the frames of `features` are numbered from `first` on.
    fn look_at(
        &mut self,
        view: &IndexView<'_>,
        rows: Range<usize>,
        features: &[f32],
        first: usize,
    ) {
        let frames = features.len() / view.dim;
        for begin in rows.clone().step_by(BLOCK) {
            let end = (begin + BLOCK).min(rows.end);
            let count = end - begin;
            let vectors = &view.vectors[begin * view.dim..end * view.dim];
            let distances = &mut self.distances[..frames * count];
            squared_distances(features, vectors, view.dim, distances);
            for (distances, found) in distances.chunks_exact(count).zip(&mut self.found[first..]) {
                for (squared, row) in distances.iter().zip(begin..) {
                    take(found, *squared, view.ids[row], row);
                }
            }
        }
    }
}

/// Puts a vector among the nearest if it is one of them. What is no number, or too far for one,
/// is not.
fn take(found: &mut Neighbours, squared: f32, id: i64, row: usize) {
    let nearer =
        |other: &Neighbour| squared < other.squared || (squared == other.squared && id < other.id);
    let last = &found[found.len() - 1];
    // The first test is all that most vectors need.
    if !(squared <= last.squared && squared < f32::MAX && nearer(last)) {
        return;
    }
    let at = found.iter().position(nearer).unwrap_or_default();
    found[at..].rotate_right(1);
    found[at] = Neighbour { id, squared, row };
}

/// What each neighbour counts, in sum 1; 0 where there is none. `None` if there is none at all.
///
/// Relative to the nearest, so that nothing overflows: of neighbours at distance 0 each counts
/// the same, and others nothing.
fn weights(found: &Neighbours) -> Option<[f32; Retrieval::NEIGHBOURS]> {
    let nearest = found[0].squared;
    if found[0].id < 0 {
        return None;
    }
    let mut weights = found.map(|neighbour| match neighbour {
        Neighbour { id: ..0, .. } => 0.0,
        Neighbour { squared, .. } if squared == nearest => 1.0,
        Neighbour { squared, .. } => (nearest / squared).powi(2),
    });
    let sum: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Arrays {
        dim: usize,
        centroids: Vec<f32>,
        offsets: Vec<u64>,
        vectors: Vec<f32>,
        ids: Vec<i64>,
    }

    impl IndexData for Arrays {
        fn view(&self) -> IndexView<'_> {
            IndexView {
                dim: self.dim,
                centroids: &self.centroids,
                offsets: &self.offsets,
                vectors: &self.vectors,
                ids: &self.ids,
            }
        }
    }

    /// Two lists on a line: around 0 and around 10.
    fn line() -> Arrays {
        Arrays {
            dim: 1,
            centroids: vec![0.0, 10.0],
            offsets: vec![0, 3, 5],
            vectors: vec![-1.0, 0.0, 1.0, 9.0, 12.0],
            ids: vec![4, 2, 0, 1, 3],
        }
    }

    fn ids(found: &Neighbours) -> Vec<i64> {
        let ids = found.iter().map(|neighbour| neighbour.id);
        ids.take_while(|id| 0 <= *id).collect()
    }

    #[test]
    fn neighbours_come_nearest_first_and_then_by_id() {
        let table: [(Search, f32, &[i64]); 6] = [
            (Search::NearestList, 0.0, &[2, 0, 4]),
            (Search::NearestList, 0.75, &[0, 2, 4]),
            (Search::NearestList, 5.0, &[0, 2, 4]), // between both: the first list
            (Search::NearestList, 5.1, &[1, 3]),
            (Search::All, 5.0, &[0, 1, 2, 4, 3]),
            (Search::All, f32::NAN, &[]),
        ];
        for (search, x, expected) in table {
            let mut retrieval = Retrieval::new(Arc::new(line()), search).unwrap();
            let found = retrieval.search(&[x, x]);
            for found in found {
                assert_eq!(ids(found), expected, "{search:?}, {x}");
                assert_eq!(found[7], Neighbour::NONE);
            }
        }
    }

    #[test]
    fn of_vectors_as_near_those_with_the_smallest_ids_stay() {
        let count = 20;
        let arrays = Arrays {
            dim: 1,
            centroids: vec![0.0],
            offsets: vec![0, count],
            vectors: vec![1.0; count as usize],
            ids: (0..count as i64).rev().collect(),
        };
        let mut retrieval = Retrieval::new(Arc::new(arrays), Search::NearestList).unwrap();
        assert_eq!(ids(&retrieval.search(&[0.0])[0]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_frame_that_is_a_vector_becomes_it_and_one_without_neighbours_stays() {
        for (x, rate, expected) in [
            (1.0, 1.0, 1.0),
            (1.0, 0.25, 1.0),
            (f32::INFINITY, 1.0, f32::INFINITY),
            (1e30, 1.0, 1e30),
            // As near to 9 as to 12.
            (10.5, 0.0, 10.5),
            (10.5, 1.0, 10.5),
            (10.5, 0.5, 10.5),
            // Squared distances 1 and 4: 9 counts 16 times as much as 12.
            (10.0, 1.0, (16.0 * 9.0 + 12.0) / 17.0),
            (10.0, 0.5, 5.0 + (16.0 * 9.0 + 12.0) / 34.0),
        ] {
            let mut retrieval = Retrieval::new(Arc::new(line()), Search::NearestList).unwrap();
            let mut features = vec![x; 70];
            retrieval.blend(&mut features, rate);
            for got in features {
                let off = (got - expected).abs();
                assert!(got == expected || off < 1e-6 * x, "{x}, {rate}: {got}");
            }
        }
    }

    #[test]
    fn distances_beyond_the_squares_of_floats_do_not_upset_the_weights() {
        let near = [1e-30, 4e-30, 1e-30, 1e30].map(|squared| Neighbour {
            id: 1,
            squared,
            row: 0,
        });
        let mut found = [Neighbour::NONE; 8];
        found[..4].copy_from_slice(&near);
        found[..4].sort_by(|a, b| a.squared.total_cmp(&b.squared));
        let weights = weights(&found).unwrap();
        let expected = [16.0 / 33.0, 16.0 / 33.0, 1.0 / 33.0, 0.0];
        for (got, want) in weights.iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{weights:?}");
        }
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        assert_eq!(line().view().check(), Ok(()));
        let wrong: [fn(&mut Arrays); 9] = [
            |a| a.dim = 0,
            |a| a.dim = 2,
            |a| a.ids.clear(),
            |a| a.offsets.clear(),
            |a| a.offsets = vec![0],
            |a| a.offsets = vec![1, 3, 5],
            |a| a.offsets = vec![0, 3, 6],
            |a| a.offsets = vec![0, 6, 5],
            |a| a.centroids.push(0.0),
        ];
        for (at, wrong) in wrong.into_iter().enumerate() {
            let mut arrays = line();
            wrong(&mut arrays);
            let arrays = Arc::new(arrays);
            assert!(
                Retrieval::new(arrays, Search::All).is_err(),
                "{at} was accepted"
            );
        }
    }
}
