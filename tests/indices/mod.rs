//! Faiss index files made here, right ones and wrong ones, and indices in memory.
#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::model::retrieval::{IndexData, IndexView};

/// Seeded noise in -0.5..0.5.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect()
}

/// What a faiss file is to say; [`Faiss::new`] makes a right one.
pub struct Faiss {
    pub code: [u8; 4],
    pub dim: i32,
    pub count: u64,
    pub trained: u8,
    pub metric: i32,
    pub lists: u64,
    pub quantizer: [u8; 4],
    pub quantizer_count: u64,
    pub centroids: Vec<f32>,
    /// The map of ids: its kind, and then as it is.
    pub map: Vec<u8>,
    pub inverted: [u8; 4],
    pub vector_bytes: u64,
    /// What follows `full` or `sprs`.
    pub form: [u8; 4],
    pub sizes: Vec<u64>,
    /// Of each list: vectors and ids.
    pub contents: Vec<(Vec<f32>, Vec<i64>)>,
}

impl Faiss {
    /// Lists of so many vectors of `dim` values; ids are dealt out to the lists in turn.
    pub fn new(dim: usize, sizes: &[usize]) -> Self {
        let count: usize = sizes.iter().sum();
        let mut ids: Vec<Vec<i64>> = vec![Vec::new(); sizes.len()];
        let mut next = 0;
        while next < count {
            for (ids, size) in ids.iter_mut().zip(sizes) {
                if ids.len() < *size {
                    ids.push(next as i64);
                    next += 1;
                }
            }
        }
        let contents = ids.into_iter().enumerate().map(|(list, ids)| {
            let values = noise(ids.len() * dim, 100 + list as u32);
            (values, ids)
        });
        Self {
            code: *b"IwFl",
            dim: dim as i32,
            count: count as u64,
            trained: 1,
            metric: 1,
            lists: sizes.len() as u64,
            quantizer: *b"IxF2",
            quantizer_count: sizes.len() as u64,
            centroids: noise(sizes.len() * dim, 7),
            map: vec![0; 9],
            inverted: *b"ilar",
            vector_bytes: 4 * dim as u64,
            form: *b"full",
            sizes: sizes.iter().map(|size| *size as u64).collect(),
            contents: contents.collect(),
        }
    }

    /// With list sizes in the form faiss takes where most lists are empty.
    pub fn sparse(mut self) -> Self {
        self.form = *b"sprs";
        let sizes = self.sizes.iter().enumerate();
        let sizes = sizes.filter(|(_, size)| **size != 0);
        self.sizes = sizes
            .flat_map(|(list, size)| [list as u64, *size])
            .collect();
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.code.to_vec();
        let common = |bytes: &mut Vec<u8>, count: u64| {
            bytes.extend(self.dim.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend([0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0]);
            bytes.push(self.trained);
            bytes.extend(self.metric.to_le_bytes());
        };
        common(&mut bytes, self.count);
        bytes.extend(self.lists.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(self.quantizer);
        common(&mut bytes, self.quantizer_count);
        bytes.extend((self.centroids.len() as u64).to_le_bytes());
        bytes.extend(self.centroids.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(&self.map);
        bytes.extend(self.inverted);
        bytes.extend(self.lists.to_le_bytes());
        bytes.extend(self.vector_bytes.to_le_bytes());
        bytes.extend(self.form);
        bytes.extend((self.sizes.len() as u64).to_le_bytes());
        bytes.extend(self.sizes.iter().flat_map(|size| size.to_le_bytes()));
        for (vectors, ids) in &self.contents {
            bytes.extend(vectors.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        }
        bytes
    }

    /// Where its tables are, the places where a change is felt: before and after the centroids.
    pub fn tables(bytes: &[u8]) -> [std::ops::Range<usize>; 2] {
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        let (lists, values) = (number(37) as usize, number(90) as usize);
        let after = 98 + 4 * values;
        [0..98, after..(after + 41 + 8 * lists).min(bytes.len())]
    }
}

/// An index in memory.
pub struct Arrays {
    pub dim: usize,
    pub centroids: Vec<f32>,
    pub offsets: Vec<u64>,
    pub vectors: Vec<f32>,
    pub ids: Vec<i64>,
}

impl Arrays {
    /// Vectors in one list, numbered as they come.
    pub fn one_list(dim: usize, vectors: Vec<f32>) -> Self {
        let count = vectors.len() / dim;
        Self {
            dim,
            centroids: vec![0.0; dim],
            offsets: vec![0, count as u64],
            vectors,
            ids: (0..count as i64).collect(),
        }
    }
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
