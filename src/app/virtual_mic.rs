//! A microphone that other programs can pick and that carries what we put out: a sink of ours and
//! a source that copies it, made by the sound server through `pactl`. PipeWire and PulseAudio have
//! it; plain JACK needs a recipe. Control thread; commands have fixed arguments.

use std::process::Command;

/// The sink we play into. Also its name as a JACK client under PipeWire.
pub const SINK: &str = "AutoVoiceToMic";
/// The microphone others see.
pub const MICROPHONE: &str = "AutoVoiceMic";

/// Whether a device of this name is ours: to sing into it would be a loop without end.
#[must_use]
pub fn is_ours(device: &str) -> bool {
    device.starts_with(SINK) || device.starts_with(MICROPHONE)
}

/// Why there is no virtual microphone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VirtualMicError {
    /// No pactl.
    #[error(
        "expected the program pactl, found none; sudo apt install pulseaudio-utils. With plain \
         JACK: sudo modprobe snd-aloop, then alsa_out -d hw:Loopback,0, connect AutoVoice to it \
         and pick \"Loopback\" as the microphone"
    )]
    NoTool,
    /// The server is not there or refused.
    #[error(
        "expected PipeWire or PulseAudio to make a microphone, found: {found}; start one of \
         them. With plain JACK: sudo modprobe snd-aloop, then alsa_out -d hw:Loopback,0, connect \
         AutoVoice to it and pick \"Loopback\" as the microphone"
    )]
    Refused {
        /// What pactl said.
        found: String,
    },
}

/// A virtual microphone; dropping it takes it away.
#[derive(Debug)]
pub struct VirtualMic {
    modules: Vec<u32>,
}

impl VirtualMic {
    /// Makes it. A sink of ours that a crash left behind is used again.
    ///
    /// # Errors
    /// [`VirtualMicError`], with what is missing.
    pub fn create() -> Result<Self, VirtualMicError> {
        remove_leftovers()?;
        let mut mic = Self {
            modules: Vec::new(),
        };
        mic.modules.push(load(&[
            "module-null-sink",
            "sink_name=AutoVoiceToMic",
            "sink_properties=device.description=AutoVoiceToMic",
        ])?);
        mic.modules.push(load(&[
            "module-remap-source",
            "master=AutoVoiceToMic.monitor",
            "source_name=AutoVoiceMic",
            "source_properties=device.description=AutoVoiceMic",
        ])?);
        Ok(mic)
    }
}

impl Drop for VirtualMic {
    fn drop(&mut self) {
        for module in self.modules.iter().rev() {
            // If the server is gone, so is the microphone.
            let _ = pactl(&["unload-module", &module.to_string()]);
        }
    }
}

fn load(module: &[&str]) -> Result<u32, VirtualMicError> {
    let said = pactl(&[&["load-module"], module].concat())?;
    let id = said.trim().parse();
    id.map_err(|_| VirtualMicError::Refused { found: said })
}

fn remove_leftovers() -> Result<(), VirtualMicError> {
    for module in leftovers(&pactl(&["list", "short", "modules"])?) {
        pactl(&["unload-module", &module.to_string()])?;
    }
    Ok(())
}

/// The modules of ours in pactl's list, the last loaded first.
fn leftovers(list: &str) -> Vec<u32> {
    let ours = list
        .lines()
        .filter(|line| line.contains(SINK) || line.contains(MICROPHONE));
    let mut modules: Vec<u32> = ours
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    modules.reverse();
    modules
}

fn pactl(arguments: &[&str]) -> Result<String, VirtualMicError> {
    let output = Command::new("pactl")
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .map_err(|_| VirtualMicError::NoTool)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("no reason").to_owned();
        return Err(VirtualMicError::Refused { found: first });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_is_found() {
        let list = "1\tmodule-device-restore\t\t\n\
                    7\tmodule-null-sink\tsink_name=AutoVoiceToMic\t\n\
                    8\tmodule-remap-source\tmaster=AutoVoiceToMic.monitor source_name=x\t\n\
                    9\tmodule-null-sink\tsink_name=other\t\n";
        assert_eq!(leftovers(list), [8, 7]);
        assert!(leftovers("").is_empty());
    }
}
