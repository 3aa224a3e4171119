"""What `deployer --help` prints: written by docs/generate_commands.py, kept equal by a test."""

__all__ = ["HELP"]

HELP = """\
Usage: deployer [OPTIONS] COMMAND [ARGS]...

  Put one trained model on several clouds at once, and keep it served.

Options:
  --version             Print the version.
  --debug FILE          On an error, write the stack here.
  --install-completion  Install completion for the current shell.
  --show-completion     Show completion for the current shell, to copy it or
                        customize the installation.
  -h, --help            Show this message and exit.

Commands:
  init        Write a commented spec for the clouds named.
  schema      Print the JSON Schema of deployer.yaml, for editors and checks.
  render      Print the Kubernetes objects of a release as YAML.
  plan        Show what a deploy would do, and change nothing.
  diff        Show what a deploy would change on each cluster, field by field.
  doctor      Find what would keep a deploy from working.
  deploy      Deploy the model to every target.
  rollback    Bring back the last release that is recorded as verified.
  status      Show what is live on every target, and how it does.
  drift       Show what somebody changed on the clusters since the release.
  destroy     Delete what runs on the targets, or on one of them.
  exporter    Serve cost and health as metrics for Prometheus.
  kubeconfig  Write contexts for kubectl, one per target.
  token       Print a login to a cluster, as an exec plug-in of kubectl.
  evaluate    Score the live model of every target on labelled rows.
  push        Upload a model and prove every byte of it.
  pull        Download a model and prove every byte of it.
  verify      Compare a pushed model with its manifest.
  history     List the releases, newest first, and what became of each.
  report      Say what it costs and how healthy it is.
  infra       Say what the infrastructure costs.
  prices      Show, refresh and check the price book.
  artifacts   Look after the models that lie in the targets' stores.
  router      Send prediction traffic to healthy targets.
  sandbox     Run stand-in clouds on this machine.
"""
