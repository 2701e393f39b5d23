//! Generations of certificates: which is served, which comes next, and whom the API server is to trust meanwhile.
//!
//! A change of generations takes two steps, so that no question fails on the way: first the API server is told to trust
//! the next one, too, while the old one is still served; later the next one is served, while the old one is still
//! trusted, as other replicas may serve it. Pure, but for the making of keys.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};

use crate::clock::after;

/// Clocks of other hosts may be behind.
const BACKDATED: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest time for the API server and all replicas to take notice.
const LONGEST_OVERLAP: Duration = Duration::from_secs(60 * 60);

/// Whoever has not looked tells the API server to trust what it knows of.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// What certificates are made for.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The names and addresses that they stand for.
    pub(super) names: Vec<String>,
    /// How long they hold.
    pub(super) lifetime: Duration,
}

/// A certificate followed by the one that has signed it, and its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) key: String,
    pub(super) expires: Timestamp,
}

/// The generations at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Generations {
    /// The names and addresses that all of them stand for.
    pub(super) names: Vec<String>,
    pub(super) serving: Pair,
    /// What is served from some time on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<(Pair, Timestamp)>,
    /// Whom to trust, as PEM.
    pub(super) trusted: String,
    /// Until when others than the one that is served are to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trusted_until: Option<Timestamp>,
}

impl Plan {
    /// The same for names that others want, too: with replicas of which each wants only its own, there would be a new
    /// generation at each look.
    fn together_with(&self, names: &[String]) -> Self {
        let new = self.names.iter().filter(|name| !names.contains(name));
        Self {
            names: names.iter().chain(new).cloned().collect(),
            lifetime: self.lifetime,
        }
    }

    /// How long two generations are trusted side by side.
    pub(super) fn overlap(&self) -> Duration {
        (self.lifetime / 9).min(LONGEST_OVERLAP)
    }

    /// How often to look what others have done, and whether it is time for something.
    pub(super) fn look(&self) -> Duration {
        (self.overlap() / 4).min(LONGEST_LOOK)
    }
}

impl Generations {
    /// The first one, or one after the last has expired: whoever is served is trusted on.
    fn first(plan: &Plan, before: Option<&Self>, now: Timestamp) -> Result<Self, rcgen::Error> {
        let serving = make(plan, now)?;
        let before = before.map(|before| signer(&before.serving.chain));
        Ok(Self {
            names: plan.names.clone(),
            trusted: before.unwrap_or_default().to_owned() + signer(&serving.chain),
            serving,
            next: None,
            trusted_until: before.map(|_| after(now, plan.overlap())),
        })
    }

    /// The same, and a new one to come.
    fn prepared(
        &self,
        plan: &Plan,
        (now, delay): (Timestamp, Duration),
    ) -> Result<Self, rcgen::Error> {
        let next = make(plan, now)?;
        // Of those before, only what is served is still shown by anybody; what was to come has not been.
        let served = signer(&self.serving.chain);
        Ok(Self {
            names: plan.names.clone(),
            trusted: format!("{served}{}", signer(&next.chain)),
            next: Some((next, after(now, delay))),
            trusted_until: None,
            ..self.clone()
        })
    }

    /// The next generation in its place, if its time has come. Nobody needs to be asked for that: it is trusted already.
    pub(super) fn promoted(&self, plan: &Plan, now: Timestamp) -> Option<Self> {
        let (next, from) = self.next.as_ref()?;
        (now >= *from).then(|| Self {
            serving: next.clone(),
            next: None,
            trusted_until: Some(after(now, plan.overlap())),
            ..self.clone()
        })
    }

    /// What is to become of the generations now; `None` if they are good as they are.
    pub(super) fn advanced(
        present: Option<&Self>,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<Option<Self>, rcgen::Error> {
        let Some(present) = present else {
            return Self::first(plan, None, now).map(Some);
        };
        let plan = &plan.together_with(&present.names);
        if now >= present.serving.expires {
            return Self::first(plan, Some(present), now).map(Some);
        }
        if let Some(promoted) = present.promoted(plan, now) {
            return Ok(Some(promoted));
        }
        if plan.names != present.names {
            // Whoever comes by the new names waits for it: no longer than until all replicas have looked.
            let delay = plan.look() * 2;
            return present.prepared(plan, (now, delay)).map(Some);
        }
        if present.next.is_some() {
            return Ok(None);
        }
        if let Some(until) = present.trusted_until {
            let is_time = now >= until;
            return Ok(is_time.then(|| Self {
                trusted: signer(&present.serving.chain).to_owned(),
                trusted_until: None,
                ..present.clone()
            }));
        }
        // The last third of its life has begun.
        if after(now, plan.lifetime / 3) >= present.serving.expires {
            return present.prepared(plan, (now, plan.overlap())).map(Some);
        }
        Ok(None)
    }
}

/// The last certificate of a chain: who has signed it.
fn signer(chain: &str) -> &str {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    chain.rfind(BEGIN).map_or(chain, |at| &chain[at..])
}

/// A certificate, and one of an authority that has signed it and nothing else: its key is thrown away.
fn make(plan: &Plan, now: Timestamp) -> Result<Pair, rcgen::Error> {
    let since_epoch = |at: Timestamp| Duration::from_secs(at.as_second().max(0).unsigned_abs());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let expires = after(now, plan.lifetime);
    let dated = |mut params: CertificateParams| {
        params.not_before = epoch + since_epoch(now).saturating_sub(BACKDATED);
        params.not_after = epoch + since_epoch(expires);
        params
    };

    let authority_key = KeyPair::generate()?;
    let mut authority = dated(CertificateParams::new(Vec::new())?);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    // Two of one name could not be told apart by those who look for the one that has signed.
    let name = format!("kopfrs webhooks {}", now.as_nanosecond());
    authority.distinguished_name.push(DnType::CommonName, name);
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate()?;
    let mut params = dated(CertificateParams::new(plan.names.clone())?);
    let name = plan.names.first().map_or("kopfrs", String::as_str);
    // Longer names do not fit into this field; those that count are the alternative ones.
    let name: String = name.chars().take(64).collect();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Pair {
        chain: format!("{}{authority_pem}", certificate.pem()),
        key: key.serialize_pem(),
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn plan() -> Plan {
        Plan {
            names: vec!["svc.ns.svc".to_owned(), "127.0.0.1".to_owned()],
            lifetime: DAY * 90,
        }
    }

    fn at(days: u32) -> Timestamp {
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        after(start, DAY * days)
    }

    fn step(present: Option<&Generations>, now: Timestamp) -> Option<Generations> {
        Generations::advanced(present, &plan(), now).unwrap()
    }

    #[test]
    fn whoever_is_served_is_trusted_before_and_after() {
        let count = |of: &Generations| of.trusted.matches("BEGIN CERTIFICATE").count();
        let first = step(None, at(0)).unwrap();
        assert_eq!((count(&first), step(Some(&first), at(59))), (1, None));

        let prepared = step(Some(&first), at(60)).unwrap();
        assert_eq!((&prepared.serving, count(&prepared)), (&first.serving, 2));
        let soon = after(at(60), Duration::from_secs(3599));
        assert_eq!(step(Some(&prepared), soon), None);

        let promoted = step(Some(&prepared), at(61)).unwrap();
        assert_ne!(promoted.serving, first.serving);
        assert_eq!(promoted.trusted, prepared.trusted);
        assert!(promoted.trusted.contains(signer(&promoted.serving.chain)));
        assert_eq!(step(Some(&promoted), at(61)), None);

        let pruned = step(Some(&promoted), at(62)).unwrap();
        assert_eq!(pruned.trusted, signer(&promoted.serving.chain));
        assert_eq!(step(Some(&pruned), at(100)), None);
    }

    #[test]
    fn what_is_no_longer_good_is_replaced_at_once() {
        let first = step(None, at(0)).unwrap();
        let late = step(Some(&first), at(91)).unwrap();
        assert_ne!(late.serving, first.serving);
        assert!(late.next.is_none());
        assert!(late.trusted.starts_with(signer(&first.serving.chain)));
    }

    #[test]
    fn replicas_of_other_names_agree_on_all_of_them() {
        let of = |name: &str| Plan {
            names: vec![name.to_owned()],
            ..plan()
        };
        let mut present = Generations::advanced(None, &of("a"), at(0))
            .unwrap()
            .unwrap();
        for round in 0..20 {
            for plan in [of("a"), of("b")] {
                let advanced = Generations::advanced(Some(&present), &plan, at(0)).unwrap();
                assert!(advanced.is_none() || round == 0, "{round}");
                present = advanced.unwrap_or(present);
                assert!(present.trusted.matches("BEGIN CERTIFICATE").count() <= 3);
            }
        }
        assert_eq!(present.names, ["a", "b"]);
        let first = present.serving.clone();
        let promoted = Generations::advanced(Some(&present), &of("a"), at(1))
            .unwrap()
            .unwrap();
        assert_ne!(promoted.serving, first);
    }

    #[test]
    fn generations_survive_being_written_down() {
        let prepared = step(Some(&step(None, at(0)).unwrap()), at(70)).unwrap();
        let text = serde_json::to_string(&prepared).unwrap();
        assert_eq!(
            serde_json::from_str::<Generations>(&text).unwrap(),
            prepared
        );
    }
}
