//! RVC voices read and refused.
