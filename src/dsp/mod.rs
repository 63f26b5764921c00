//! Signal processing: slices in, slices out. Knows no threads, files or networks.
