//! The kernels there are: in which module, under which name.

macro_rules! kernels {
    ($($module:ident $stem:literal { $($kernel:ident $entry:literal,)* })*) => {
        /// A file of kernels, which is loaded as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are those of the files")]
        pub enum Module { $($module,)* }

        impl Module {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$module,)*];

            /// The name of its files, `kernels/cu/<stem>.cu` and `kernels/ptx/<stem>.ptx`.
            #[must_use]
            pub fn stem(self) -> &'static str {
                match self { $(Self::$module => $stem,)* }
            }

            /// What it is for the driver.
            #[must_use]
            pub fn ptx(self) -> &'static str {
                match self {
                    $(Self::$module => include_str!(concat!("../../ptx/", $stem, ".ptx")),)*
                }
            }
        }

        /// A kernel. What it takes stands in its `.cu`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the names are those in the files")]
        pub enum Kernel { $($($kernel,)*)* }

        impl Kernel {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$kernel,)*)*];

            /// The name of its entry.
            #[must_use]
            pub fn entry(self) -> &'static str {
                match self { $($(Self::$kernel => $entry,)*)* }
            }

            /// What it lies in.
            #[must_use]
            pub fn module(self) -> Module {
                match self { $($(Self::$kernel => Module::$module,)*)* }
            }
        }
    };
}

kernels! {
    Activation "activation" {
        Activation "activation",
        ActivationShifted "activation_shifted",
        Gate "gate",
    }
    Attention "attention" {
        Attention "attention",
        AttentionRing "attention_ring",
    }
    Bigru "bigru" {
        BigruTurn "bigru_turn",
    }
    Conv1d "conv1d" {
        Conv1dDepthwise "conv1d_depthwise",
    }
    Conv2d "conv2d" {
        ImageFrame "image_frame",
        ImageHalve "image_halve",
        ImageJoin "image_join",
    }
    Elementwise "elementwise" {
        Combine "combine",
        Multiply "multiply",
        ScaleShift "scale_shift",
        MaskRows "mask_rows",
        ShiftRows "shift_rows",
        Draw "draw",
        LogAtLeast "log_at_least",
    }
    Embedding "embedding" {
        Embedding "embedding",
    }
    Fourier "fourier" {
        Stft "stft",
        Istft "istft",
        Magnitude "magnitude",
    }
    GroupNorm "group_norm" {
        GroupNorm "group_norm",
    }
    Gru "gru" {
        GruStep "gru_step",
    }
    Harmonics "harmonics" {
        HarmonicSum "harmonic_sum",
    }
    LayerNorm "layer_norm" {
        LayerNorm "layer_norm",
    }
    Lines "lines" {
        AdvanceLines "advance_lines",
    }
    Lstm "lstm" {
        LstmStep "lstm_step",
    }
    Matmul "matmul" {
        MatmulAlong4F32 "matmul_along4_f32",
        MatmulAlong4F16 "matmul_along4_f16",
        MatmulAlong8F32 "matmul_along8_f32",
        MatmulAlong8F16 "matmul_along8_f16",
        MatmulTileF32Of16 "matmul_tile_f32_16",
        MatmulTileF32Of64 "matmul_tile_f32_64",
        MatmulTileF16Of8 "matmul_tile_f16_8",
        MatmulTileF16Of32 "matmul_tile_f16_32",
        MatmulFinish "matmul_finish",
    }
    OverlapAdd "overlap_add" {
        OverlapAdd "overlap_add",
    }
    Pool "pool" {
        PoolScaled "pool_scaled",
    }
    Resample "resample" {
        Resample "resample",
        ResampleKeep "resample_keep",
    }
    RunningNorm "running_norm" {
        RunningSums "running_sums",
        RunningFactors "running_factors",
        RunningApply "running_apply",
    }
    Separation "separation" {
        Median "median",
        Separate "separate",
    }
    Source "source" {
        Source "source",
        SourceAdvance "source_advance",
    }
    Vocoder "vocoder" {
        PhaseVocoder "phase_vocoder",
    }
}
