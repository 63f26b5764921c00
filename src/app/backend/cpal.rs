//! stub
use super::*;
/// x
pub fn pulse_is_pipewire() -> bool { false }
/// x
pub fn offer(backend: Backend) -> Result<Offer, OpenError> { Err(OpenError::Unavailable{backend, found:"x".into(), remedy:"y"}) }
/// x
pub fn open(choice: &Choice, _: &Arc<Health>, _: MakeCallback<'_>) -> Result<Box<dyn Stream>, OpenError> { offer(choice.backend).map(|_| unreachable!()) }
