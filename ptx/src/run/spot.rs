//! Where in memory an address is, and what is near where there is nothing.

use super::block::Block;
use crate::fault::Cause;
use crate::instruction::Space;
use crate::memory::layout::{LOCAL_SHIFT, Layout, Stray};
use crate::memory::{LOCAL_WINDOW, PARAMETER_WINDOW, PARAMETERS, SHARED_WINDOW, WINDOW_BYTES};

/// A place in memory that holds all of an access.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spot {
    /// The number of an allocation, and bytes from its start.
    Global(usize, usize),
    Shared(usize),
    Local(usize),
    Parameter(usize),
}

impl Block<'_> {
    /// Finds the place of an access.
    pub(super) fn spot(&self, space: Space, address: u64, bytes: u64) -> Result<Spot, Box<Cause>> {
        let stray =
            |stray, space, layout: &Layout| stray_cause(stray, address, bytes, space, layout);
        match space {
            Space::Global | Space::Constant => self.global_spot(address, bytes),
            Space::Shared => match self.shared_layout.locate(address, bytes) {
                Ok(at) => Ok(Spot::Shared(at)),
                Err(found) => Err(stray(found, "shared", &self.shared_layout)),
            },
            Space::Local => self.local_spot(address, bytes),
            // Parameters of functions lie in local memory.
            Space::Parameter if address >= 1 << LOCAL_SHIFT => self.local_spot(address, bytes),
            Space::Parameter => {
                let at = address.wrapping_sub(PARAMETERS);
                let room = self.parameters.len() as u64;
                if at >= room || room - at < bytes {
                    return Err(Box::new(Cause::OutOfBounds {
                        address,
                        bytes,
                        space: "parameter",
                        near: format!("the parameters have {room} bytes"),
                    }));
                }
                if at & (bytes - 1) != 0 {
                    return Err(misaligned(address, bytes, "parameter"));
                }
                Ok(Spot::Parameter(at as usize))
            }
            Space::Generic => {
                for (window, space) in [
                    (PARAMETER_WINDOW, Space::Parameter),
                    (SHARED_WINDOW, Space::Shared),
                    (LOCAL_WINDOW, Space::Local),
                ] {
                    let inside = address.wrapping_sub(window);
                    if inside < WINDOW_BYTES {
                        return self.spot(space, inside, bytes);
                    }
                }
                self.global_spot(address, bytes)
            }
        }
    }

    fn global_spot(&self, address: u64, bytes: u64) -> Result<Spot, Box<Cause>> {
        match self.memory.locate(address, bytes) {
            Ok((index, at)) => Ok(Spot::Global(index, at)),
            Err(found) => Err(self.global_stray(found, address, bytes)),
        }
    }

    #[cold]
    fn global_stray(&self, stray: Stray, address: u64, bytes: u64) -> Box<Cause> {
        let space = "global";
        let near = match stray {
            Stray::Misaligned => return misaligned(address, bytes, space),
            Stray::Outside(Some(index)) => {
                let allocation = self.memory.allocation(index);
                if self.memory.is_freed(index) {
                    return Box::new(Cause::Freed {
                        address,
                        bytes,
                        name: allocation.name.clone(),
                    });
                }
                beyond(
                    &allocation.name,
                    allocation.start,
                    allocation.room(),
                    address,
                )
            }
            Stray::Outside(None) if address < 4096 => "it is a null pointer".into(),
            Stray::Outside(None) => "there is no allocation near".into(),
        };
        Box::new(Cause::OutOfBounds {
            address,
            bytes,
            space,
            near,
        })
    }

    fn local_spot(&self, address: u64, bytes: u64) -> Result<Spot, Box<Cause>> {
        let layout = &self.program.local;
        match layout.locate(address, bytes) {
            Ok(at) => Ok(Spot::Local(at)),
            Err(found) => Err(stray_cause(found, address, bytes, "local", layout)),
        }
    }
}

#[cold]
fn stray_cause(
    stray: Stray,
    address: u64,
    bytes: u64,
    space: &'static str,
    layout: &Layout,
) -> Box<Cause> {
    let near = match stray {
        Stray::Misaligned => return misaligned(address, bytes, space),
        Stray::Outside(Some(index)) => {
            let place = layout.place(index);
            beyond(
                &format!("variable `{}`", place.name),
                place.start,
                place.bytes,
                address,
            )
        }
        Stray::Outside(None) => "there is no variable near".into(),
    };
    Box::new(Cause::OutOfBounds {
        address,
        bytes,
        space,
        near,
    })
}

/// How far an address is from what it is near.
fn beyond(name: &str, start: u64, room: u64, address: u64) -> String {
    if address < start {
        format!("{} bytes before {name} of {room} bytes", start - address)
    } else {
        format!("at byte {} of {name} of {room} bytes", address - start)
    }
}

fn misaligned(address: u64, bytes: u64, space: &'static str) -> Box<Cause> {
    Box::new(Cause::Misaligned {
        address,
        bytes,
        space,
    })
}
