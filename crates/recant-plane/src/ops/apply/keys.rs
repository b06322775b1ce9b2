//! Declared keys: `Name`, `Policy`, and `Status` if it is not to be as it is; a new one is `Active` then.
//!
//! A key that is made has its secret written to the data folder, as `keys/NAME`, an AWS credentials file: it is told nowhere else.
//! So the name is a file's name, and one key has it. It is written before the key is committed, to `keys/NAME.new`, and gets its place
//! afterwards, now or at the next start: whatever fails, and whenever, no key is there whose secret is nowhere.

use recant_core::limits::PAGE_ITEMS_MAX;
use recant_wire::document::{Document, Members};

use super::declared::Item;
use super::{Applier, ApplyError, Change};
use crate::folder::RootKey;
use crate::ops::Context;
use crate::ops::own::keys;
use crate::store::{KeyRecord, Listing, Page, Store};

/// A key as it shall be.
pub(super) struct DeclaredKey {
    pub(super) at: String,
    pub(super) name: String,
    /// What makes it, and what it is compared with.
    input: Document,
    policy: serde_json::Value,
    is_active: Option<bool>,
}

impl DeclaredKey {
    /// Reads an item.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(item: Item) -> Result<Self, ApplyError> {
        let Item { at, mut members } = item;
        let known = ["Name", "Policy", "Status"];
        if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(name)) {
            let known = known.join(", ");
            return Err(ApplyError::new(
                &at,
                format_args!("'{name}' is no member of a key; there are {known}"),
            ));
        }
        let name = match members.get("Name").and_then(Document::as_str) {
            Some(name) if is_plain(name) => name.to_owned(),
            _ => {
                let form = "1 to 64 letters, digits, '-' and '_', since the secret's file is called so";
                return Err(ApplyError::new(&at, format_args!("Name: it is missing, or not {form}")));
            }
        };
        let is_active = match members.remove("Status").as_ref().map(Document::as_str) {
            None => None,
            Some(Some("Active")) => Some(true),
            Some(Some("Inactive")) => Some(false),
            Some(_) => return Err(ApplyError::new(&at, "Status: it is neither 'Active' nor 'Inactive'")),
        };
        let input = Document::Structure(members);
        let policy = keys::policy(&input).map_err(ApplyError::of(&at))?;
        let policy = policy.ok_or_else(|| ApplyError::new(&at, "Policy is missing"))?;
        let policy = serde_json::to_value(&policy).expect("a policy document is JSON");
        Ok(Self { at, name, input, policy, is_active })
    }

    /// The key of this name. Of several, as a rotation leaves them, the active one; where none is, the newest.
    ///
    /// # Errors
    /// When several active ones have it.
    pub(super) async fn find<S: Store>(&self, context: &Context<S>) -> Result<Option<KeyRecord>, ApplyError> {
        let mut page = Page { after: None, limit: PAGE_ITEMS_MAX.try_into().expect("a page has items") };
        let mut found = Vec::new();
        loop {
            let listing = context.store.keys(page.clone()).await.map_err(ApplyError::of(&self.at))?;
            let Listing::Page { items, more } = listing else {
                unreachable!("a key's id is always a place in the list");
            };
            page.after = items.last().map(|last| last.id.clone());
            found.extend(items.into_iter().filter(|key| key.name == self.name));
            if !more {
                break;
            }
        }
        found.sort_by_key(|key| (key.is_active, key.created));
        if let [.., one, other] = found.as_slice()
            && one.is_active
        {
            let why = format!(
                "several active keys are called '{}', as '{}' and '{}'. Start without the declaration, and disable or delete all but one: recant keys disable ID",
                self.name, one.id, other.id
            );
            return Err(ApplyError::new(&self.at, why));
        }
        Ok(found.pop())
    }

    /// Makes or changes it.
    ///
    /// # Errors
    /// What the store or an operation refuses, and a folder that cannot be written.
    pub(super) async fn bring<S: Store>(&self, by: &Applier<'_, S>) -> Result<(), ApplyError> {
        let context = by.context;
        let (id, is_active, mut change) = match self.find(context).await? {
            None => {
                let key = RootKey::generate();
                let id = key.access_key_id.clone();
                by.folder.prepare_key(&self.name, &key).map_err(ApplyError::of(&self.at))?;
                self.note(by, "recant:CreateKey", "*").await?;
                keys::create(context, &self.input, key).await.map_err(ApplyError::of(&self.at))?;
                by.folder.settle_key(&self.name, &id).map_err(ApplyError::of(&self.at))?;
                (id, true, Change::Created)
            }
            Some(there) => {
                by.folder.settle_key(&self.name, &there.id).map_err(ApplyError::of(&self.at))?;
                let policy = serde_json::to_value(&there.policy).expect("a policy document is JSON");
                let is_changed = policy != self.policy;
                if is_changed {
                    self.update(by, &there.id, ("Policy", Document::from(self.policy.clone()))).await?;
                }
                (there.id, there.is_active, Change::of(is_changed))
            }
        };
        if let Some(wanted) = self.is_active.filter(|wanted| *wanted != is_active) {
            let status = if wanted { "Active" } else { "Inactive" };
            self.update(by, &id, ("Status", Document::from(status))).await?;
            if change == Change::Unchanged {
                change = Change::Updated;
            }
        }
        change.tell("key", &self.name, &id);
        Ok(())
    }

    async fn note<S: Store>(&self, by: &Applier<'_, S>, action: &str, id: &str) -> Result<(), ApplyError> {
        let store = &by.context.store;
        let arn = format!("arn:aws:recant::{}:key/{id}", store.identity().account);
        by.admission.note_operator(store, action, &arn).await.map_err(ApplyError::of(&self.at))
    }

    async fn update<S: Store>(
        &self,
        by: &Applier<'_, S>,
        id: &str,
        member: (&str, Document),
    ) -> Result<(), ApplyError> {
        let input: Members = [("AccessKeyId", Document::from(id)), member].into_iter().collect();
        self.note(by, "recant:UpdateKey", id).await?;
        keys::update(by.context, &input.into()).await.map(drop).map_err(ApplyError::of(&self.at))
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}
