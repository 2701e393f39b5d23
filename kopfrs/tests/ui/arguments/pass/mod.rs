//! Arguments that are fine; serde's feature `rc` is on in this program.

use std::collections::BTreeMap;

use kopfrs::extract::{ArgError, Argument, Extract};
use kopfrs::handler::Family;
use kopfrs::prelude::*;

pub(crate) const COUNT: usize = 7;

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "x.io", version = "v1", kind = "Demo", namespaced)]
struct DemoSpec {
    size: u32,
}

struct Mine;

impl<'a, C: Family> Extract<'a, C> for Mine {
    fn extract(_: &'a Arc<Invocation<C>>, _: &Argument) -> std::result::Result<Self, ArgError> {
        Ok(Self)
    }
}

// What can be deserialised in an `Arc` is no more ambiguous than anything else.
#[on::update(Demo)]
fn with_rc(
    current: Arc<Demo>,
    body: Arc<Demo>,
    spec: Arc<DemoSpec>,
    status: Option<Arc<Value>>,
    name: Arc<Demo>,
) {
}

#[on::update(Demo, field = "spec.size")]
fn with_rc_of_a_field(old: Arc<u32>, new: Option<Arc<u32>>) {}

// Known by type, under any name: also under those of others, and nearly those.
#[on::event(Demo)]
fn own(old: Mine, settings: State<u8>, specs: Mine, thing: Mine, retry: Memo<u8>) {}

#[on::create(Demo)]
fn unused(
    _spec: &Value,
    _old: Option<&Value>,
    _patch: &Patch,
    mut _labels: BTreeMap<String, String>,
) {
}

#[on::create(Demo, param = vec!["a"])]
fn slices(param: &Vec<&'static str>) {}

#[on::create(Demo, param = 5.0)]
fn copies(param: f32, event: State<u8>) {}

type Alias = DemoSpec;

#[on::update(Demo)]
async fn aliases(old: Alias, new: Option<Alias>, reference: &Invocation<ChangingCause>) {}
