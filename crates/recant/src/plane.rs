//! `recant plane`: the control plane alone.

use anyhow::{Context as _, bail};

use crate::options::PlaneOptions;
use crate::signals::Stop;
use crate::{declarations, descriptors, logging, serve, stdout};

/// Runs a plane until it is asked to stop.
pub(crate) fn run(mut options: PlaneOptions) -> anyhow::Result<()> {
    logging::start(options.log_format);
    options.plane.declarations = declarations::read(&options.apply)?;
    descriptors::raise_limit();
    serve::runtime()?.block_on(async {
        let mut stop = Stop::listen()?;
        let plane = serve::start_plane(options.plane).await?;
        let folder = plane.folder();
        let api = plane.api_address();
        folder.publish_addresses(&serve::addresses(Some(api), None))?;
        stdout::say(&format!(
            "API      http://{api}\nClients  eval \"$(recant env --data-dir {dir})\"\n\
             Edges    recant edge --plane http://{api} --data-dir EDGE_DIR   (after: cp {dir}/edge-secret EDGE_DIR/)\n",
            dir = folder.path().display(),
        ))?;
        let stopper = plane.stopper();
        let mut serving = tokio::spawn(plane.run());
        tokio::select! {
            () = stop.asked() => stopper.stop(),
            _ = &mut serving => {
                folder.withdraw_addresses()?;
                bail!("the plane has stopped by itself");
            }
        }
        serving.await.context("the plane did not end in good order")?;
        folder.withdraw_addresses()?;
        Ok(())
    })
}
