//! The command line: `convert`, `bench`, `doctor`.
