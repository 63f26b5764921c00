//! What voices are made with and of: the user's models now, voice files later. Worker threads and
//! the command line only: it allocates and waits for disks.

pub mod models;
