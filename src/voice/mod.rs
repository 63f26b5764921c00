//! What voices are made with and of: the user's models, and the indices of RVC voices; voice files
//! later. Worker threads and the command line only: it allocates and waits for disks.

pub mod index;
pub mod models;
