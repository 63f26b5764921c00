//! How much a checkpoint may ask for before it is refused. Any thread; holds numbers only.

/// The deepest nesting any [`Limits`] allow: values are walked by recursion.
pub const DEEPEST: usize = 256;

/// Bounds that are checked before anything is allocated. The defaults hold every checkpoint this
/// project knows of with room to spare and keep a hostile one below 300 MiB of memory before its
/// tensors are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Containers within containers; at most [`DEEPEST`].
    pub depth: usize,
    /// Values made while the pickle is read, and again values in the finished tree, where what is
    /// shared counts as often as it is seen.
    pub objects: usize,
    /// Entries of the pickle's memo.
    pub memo: usize,
    /// Tensors in the file.
    pub tensors: usize,
    /// Bytes of all tensors together, as the caller would get them.
    pub tensor_bytes: u64,
    /// Bytes one tensor may have when it is larger than its storage: views that repeat elements
    /// (stride 0) cost nothing in the file.
    pub expanded_bytes: u64,
    /// Bytes of a pickle, or of the header of a safetensors file.
    pub pickle_bytes: u64,
    /// Files in a zip archive.
    pub zip_entries: usize,
    /// Bytes of one compressed file of a zip archive once inflated.
    pub inflated_bytes: u64,
    /// How many times its size such a file may grow, beyond its first [`Limits::FREE_INFLATION`].
    pub inflation: u64,
}

impl Limits {
    /// Bytes that any compressed file may inflate to.
    pub const FREE_INFLATION: u64 = 16 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            objects: 2_000_000,
            memo: 1_000_000,
            tensors: 100_000,
            tensor_bytes: 8 << 30,
            expanded_bytes: 64 << 20,
            pickle_bytes: 64 << 20,
            zip_entries: 100_000,
            inflated_bytes: 2 << 30,
            inflation: 200,
        }
    }
}
