//! The entry points hosts look for in the shared library. The macros expand to the framework's
//! C interface, which is `unsafe` by nature and holds no code of ours.

#![allow(missing_docs)]

use super::AutoVoicePlugin;
use nice_plug::prelude::*;

nice_export_clap!(AutoVoicePlugin);
nice_export_vst3!(AutoVoicePlugin);
