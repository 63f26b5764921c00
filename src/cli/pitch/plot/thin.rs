//! A list that never grows beyond a size: when it is full, neighbours become one.

/// Things in order, each standing for `stride` of those that came in.
pub(super) struct Thinned<T> {
    things: Vec<T>,
    most: usize,
    stride: u64,
    /// What the newest thing is made of so far, and of how many.
    open: Option<(T, u64)>,
    merge: fn(&T, &T) -> T,
}

impl<T: Clone> Thinned<T> {
    /// At most `most` things, an even number; `merge` makes one of two neighbours.
    pub(super) fn new(most: usize, merge: fn(&T, &T) -> T) -> Self {
        debug_assert!(most >= 2 && most.is_multiple_of(2));
        Self {
            things: Vec::new(),
            most,
            stride: 1,
            open: None,
            merge,
        }
    }

    pub(super) fn push(&mut self, thing: T) {
        let (thing, count) = match self.open.take() {
            None => (thing, 1),
            Some((open, count)) => ((self.merge)(&open, &thing), count + 1),
        };
        if count < self.stride {
            self.open = Some((thing, count));
            return;
        }
        self.things.push(thing);
        if self.things.len() == self.most {
            let pairs = self.things.chunks_exact(2);
            self.things = pairs.map(|pair| (self.merge)(&pair[0], &pair[1])).collect();
            self.stride *= 2;
        }
    }

    /// Everything, and how many that came in each stands for.
    pub(super) fn finish(mut self) -> (Vec<T>, u64) {
        self.things.extend(self.open.map(|(open, _)| open));
        (self.things, self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one() {
        for (count, expected, stride) in [
            (0, vec![], 1),
            (3, vec![0, 1, 2], 1),
            (4, vec![1, 3], 2),
            (7, vec![1, 3, 5, 6], 2),
            (8, vec![3, 7], 4),
            (1_001, vec![255, 511, 767, 1_000], 256),
        ] {
            let mut thinned = Thinned::new(4, |_, later| *later);
            (0..count).for_each(|i| thinned.push(i));
            assert_eq!(thinned.finish(), (expected, stride), "{count}");
        }
    }
}
