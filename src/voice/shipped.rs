//! What ships with the program of voices of our own: the files in `models/`, in the binary. Data
//! only; `models/README.md` says where they come from.

use super::Starter;

/// The content encoder: the one that every voice here was trained with.
pub(crate) static ENCODER: &[u8] = include_bytes!("../../models/content.safetensors");

/// The base that new voices begin from, made with that encoder.
#[cfg(feature = "train")]
pub(crate) static BASE: &[u8] = include_bytes!("../../models/base.safetensors");

/// The voices, in no order: each file says itself what its voice is called.
pub(super) static VOICES: [Starter; 4] = [
    Starter {
        file: include_bytes!("../../models/voices/clara.safetensors"),
    },
    Starter {
        file: include_bytes!("../../models/voices/kuno.safetensors"),
    },
    Starter {
        file: include_bytes!("../../models/voices/rolf.safetensors"),
    },
    Starter {
        file: include_bytes!("../../models/voices/selma.safetensors"),
    },
];
