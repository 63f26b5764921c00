//! What ships with the program of voices of our own: the files in `models/`, in the binary. Data
//! only; `models/README.md` says where they come from.

use super::Starter;

/// The content encoder, `content.safetensors`: the one that every voice here was trained with.
/// `None` until it is there.
pub(crate) static ENCODER: Option<&[u8]> = None;

/// The base that new voices begin from, `base.safetensors`, made with that encoder. `None` until it
/// is there.
pub(crate) static BASE: Option<&[u8]> = None;

/// The voices, in no order: each file says itself what its voice is called. One for each:
/// `Starter { file: include_bytes!("../../models/voices/NAME.safetensors") }`.
pub(super) static VOICES: [Starter; 0] = [];
