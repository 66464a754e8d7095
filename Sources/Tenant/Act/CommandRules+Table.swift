// swift-format-ignore-file: one row a line, so that the table can be read as a table.

extension CommandRules {
  /// Commands that cannot be taken back, as data. What depends on more than words (a push's target, a path, a request's method)
  /// is in the extensions beside this one. A row: programs, how the positional words begin (`a|b` = either, `*` = any
  /// characters, `**` = anything before), options that must or must not be there, why.
  static let table: [CommandRule] = forge + packages + infrastructure + containers + clouds + machine + messages

  private static let forge: [CommandRule] = [
    CommandRule("gh", "pr merge", why: "merges a pull request"),
    CommandRule("glab", "mr merge|accept", why: "merges a merge request"),
    CommandRule("gh|glab", "release create|edit|delete|upload|delete-asset", why: "changes a release"),
    CommandRule("gh|glab", "repo|project delete|archive|rename|transfer|edit", why: "changes a repository"),
    CommandRule("gh|glab", "issue|mr|label|milestone|snippet|gist|cache delete", why: "deletes on the forge"),
    CommandRule("gh", "workflow run|disable", why: "starts a workflow"),
    CommandRule("gh", "run delete", why: "deletes a run"),
    CommandRule("glab", "ci|pipeline run|trigger|delete", why: "starts or deletes a pipeline"),
    CommandRule(
      "gh|glab", "secret|variable|ssh-key|deploy-key|gpg-key|token set|delete|add|remove|create|revoke",
      why: "changes credentials"),
    CommandRule("tea|hub", "pr|release|pulls merge|create|delete", why: "merges or releases"),
    CommandRule("looop-fleet", "sandbox land", why: "lands a worker's branch in its repository"),
    CommandRule("looop-fleet", "answer", why: "answers an ask, which is for a human"),
    CommandRule("looop-fleet", "budget raise", why: "raises a budget, which is for a human"),
    CommandRule("looop-fleet", "thaw|reload|init", why: "changes what the fleet may do"),
    CommandRule("looop-fleet", "tenant add|remove|resume", why: "changes the fleet's tenants"),
  ]

  private static let packages: [CommandRule] = [
    CommandRule("npm|pnpm|yarn|bun", "publish|unpublish|deprecate", why: "publishes a package"),
    CommandRule(
      "npm|pnpm", "dist-tag|owner|access|token add|rm|grant|revoke|create|delete", why: "changes a published package"),
    CommandRule("yarn", "npm publish|tag", why: "publishes a package"),
    CommandRule(
      "npx|bunx|pnpx", "semantic-release|np|release-it|changeset|lerna|vercel|netlify|wrangler|cdk",
      why: "releases or deploys"),
    CommandRule("lerna", "publish|version", why: "publishes packages"),
    CommandRule("changeset", "publish", why: "publishes packages"),
    CommandRule("semantic-release|release-it|goreleaser|np", why: "makes a release"),
    CommandRule("cargo", "publish|yank|owner", why: "publishes a crate"),
    CommandRule("cargo", "release", needs: "--execute -x", why: "makes a release"),
    CommandRule("twine", "upload|register", why: "publishes a package"),
    CommandRule("poetry|uv|flit|hatch|pdm|maturin", "publish|upload", why: "publishes a package"),
    CommandRule("python|python3", "setup.py ** upload|register", why: "publishes a package"),
    CommandRule("python|python3", needs: "-mtwine", why: "publishes a package"),
    CommandRule("python|python3", "twine upload", why: "publishes a package"),
    CommandRule("pip|pip3", "uninstall|upload", why: "removes or publishes a package"),
    CommandRule("gem", "push|yank|owner", why: "publishes a gem"),
    CommandRule("rake|bundle", "** release|db:drop|db:reset|db:migrate|deploy", why: "releases or changes a database"),
    CommandRule("mvn|mvnw", "** deploy|release:perform|release:prepare|deploy:deploy*", why: "deploys an artifact"),
    CommandRule("gradle|gradlew", "** publish*|upload*|release|deploy", why: "publishes an artifact"),
    CommandRule("dotnet|nuget", "nuget|push|delete push|delete|*", why: "publishes a package"),
    CommandRule("mix", "hex.publish|ecto.drop|ecto.reset", why: "publishes or drops"),
    CommandRule("cabal|stack", "upload", why: "publishes a package"),
    CommandRule("pod", "trunk push|delete|deprecate", why: "publishes a pod"),
    CommandRule("fastlane", why: "ships an app"),
    CommandRule(
      "make|just|task|invoke", "** deploy*|release*|publish*|ship|destroy*|push|promote*|rollback*",
      why: "deploys, releases or destroys, by its name"),
    CommandRule(
      "npm|pnpm|yarn|bun", "run|run-script|rum|urn deploy*|release*|publish*|ship",
      why: "deploys or releases, by its name"),
    CommandRule("yarn|pnpm|bun", "deploy*|release*", why: "deploys or releases, by its name"),
    CommandRule(
      "deploy|deploy.*|deploy-*|deploy_*|release.sh|publish.sh|promote.sh|rollback.sh",
      why: "deploys or releases, by its name"),
  ]

  private static let infrastructure: [CommandRule] = [
    CommandRule(
      "terraform|tofu|terragrunt", "apply|destroy|import|taint|untaint|force-unlock", why: "changes infrastructure"),
    CommandRule(
      "terraform|tofu|terragrunt", "state rm|mv|push|replace-provider", why: "changes the state of infrastructure"),
    CommandRule("terraform|tofu", "workspace delete", why: "deletes a workspace"),
    CommandRule("terragrunt", "run-all apply|destroy", why: "changes infrastructure"),
    CommandRule("pulumi", "up|update|destroy|refresh|import|cancel", why: "changes infrastructure"),
    CommandRule("pulumi", "stack|state rm|delete|import", why: "changes infrastructure"),
    CommandRule(
      "kubectl|oc|k",
      "apply|create|delete|replace|patch|scale|drain|cordon|uncordon|edit|set|taint|label|annotate|autoscale|expose|run|cp|adm|new-app|process",
      why: "changes a cluster"),
    CommandRule("kubectl|oc|k", "rollout restart|undo|pause|resume", why: "changes a cluster"),
    CommandRule("helm", "install|upgrade|uninstall|delete|rollback|push", why: "changes a cluster"),
    CommandRule("helmfile|skaffold|tilt", "apply|sync|destroy|delete|run|deploy|up|down", why: "changes a cluster"),
    CommandRule("argocd", "app sync|delete|create|set|rollback|terminate-op", why: "deploys"),
    CommandRule("flux", "reconcile|delete|create|suspend|resume|bootstrap|uninstall", why: "deploys"),
    CommandRule(
      "ansible-playbook", unless: "--check --syntax-check --list-tasks --list-hosts", why: "changes machines"),
    CommandRule("ansible", needs: "-m -a --module-name", why: "changes machines"),
    CommandRule(
      "cdk|cdktf|sam|serverless|sls|copilot|eb|sst", "deploy|destroy|delete|remove|terminate",
      why: "deploys or destroys"),
    CommandRule("packer", "build", why: "builds and registers an image"),
    CommandRule(
      "vault", "delete|write|kv|secrets|token|lease|operator ** delete|destroy|put|disable|revoke|seal|metadata",
      why: "changes secrets"),
    CommandRule("vault", "delete|write", why: "changes secrets"),
    CommandRule("consul|etcdctl", "kv|del delete|*", why: "deletes configuration"),
    CommandRule("cap|kamal|dokku|nomad", "** deploy|production|apps:destroy|job|setup|remove|rollback", why: "deploys"),
  ]

  private static let containers: [CommandRule] = [
    CommandRule("docker|podman|buildah|nerdctl", "push", why: "publishes an image"),
    CommandRule("docker|podman", "image|manifest push", why: "publishes an image"),
    CommandRule("docker|podman", "buildx build", needs: "--push", why: "publishes an image"),
    CommandRule("docker|podman", "build", needs: "--push", why: "publishes an image"),
    CommandRule(
      "docker|podman", "system|volume|image|container|network|builder prune|rm",
      why: "deletes containers, images or volumes"),
    CommandRule("docker|podman", "rm|rmi|kill|stop", why: "ends or deletes containers or images"),
    CommandRule("docker|docker-compose|podman", "compose down|rm|kill|stop", why: "ends services"),
    CommandRule("docker-compose|podman-compose", "down|rm|kill|stop", why: "ends services"),
    CommandRule(
      "docker|podman", "stack|service|swarm|node deploy|rm|update|scale|leave|rollback", why: "changes a swarm"),
    CommandRule("crane|skopeo|oras|regctl", "push|delete|copy|tag|cp", why: "changes a registry"),
  ]

  private static let clouds: [CommandRule] = [
    CommandRule(
      "aws",
      "* delete-*|terminate-*|put-*|create-*|update-*|modify-*|stop-*|start-*|reboot-*|run-*|deregister-*|detach-*|remove-*|revoke-*|cancel-*|disable-*|purge-*|send-*|publish*|invoke*|reset-*|release-*|restore-*|attach-*|associate-*|set-*",
      why: "changes the cloud"),
    CommandRule("aws", "s3 rm|rb|mv|sync|cp|mb", why: "changes a bucket"),
    CommandRule("aws", "ecs|cloudformation|lambda|deploy deploy|push", why: "deploys"),
    CommandRule(
      "gcloud",
      "** delete|deploy|create|update|reset|stop|start|remove-iam-policy-binding|add-iam-policy-binding|submit|resize|restore|failover|promote*|rollback|set-iam-policy|disable|enable|undelete",
      why: "changes the cloud"),
    CommandRule("gsutil", "rm|rb|mv|rsync|cp|setmeta|iam|acl|mb", why: "changes a bucket"),
    CommandRule("bq", "rm|mk|load|update|cp|insert", why: "changes a dataset"),
    CommandRule(
      "az", "** delete|create|update|deploy|purge|stop|start|restart|remove|add|deallocate|up|swap|set",
      why: "changes the cloud"),
    CommandRule(
      "doctl|hcloud|linode-cli|scw|ibmcloud|oci",
      "** delete|create|destroy|rebuild|reset|reboot|power-off|shutdown|update|terminate|deploy",
      why: "changes the cloud"),
    CommandRule(
      "fly|flyctl", "deploy|destroy|scale|secrets|apps|machine|machines|volumes|launch|restart|ips", unless: "--json",
      why: "changes an app"),
    CommandRule(
      "heroku",
      "apps:destroy|apps:create|releases:rollback|rollback|pg:reset|pg:push|config:set|config:unset|ps:scale|ps:restart|addons:*|run|maintenance:*|domains:*|pipelines:promote",
      why: "changes an app"),
    CommandRule("vercel|now", needs: "--prod", why: "deploys"),
    CommandRule("vercel|now", "deploy|remove|rm|rollback|promote|alias|env|domains", why: "deploys"),
    CommandRule("netlify|ntl", "deploy|sites:delete|env:set|env:unset|unlink", why: "deploys"),
    CommandRule("wrangler", "deploy|publish|delete|rollback|secret|kv:key|r2|pages", why: "deploys"),
    CommandRule(
      "firebase|surge|railway|render|now",
      "deploy|up|hosting:disable|firestore:delete|database:remove|functions:delete|down|delete", why: "deploys"),
    CommandRule(
      "rclone", "delete|deletefile|purge|sync|move|moveto|rmdirs|cleanup|dedupe", why: "deletes or overwrites files"),
    CommandRule(
      "rsync", needs: "--delete --delete-after --delete-before --delete-excluded --delete-during --remove-source-files",
      unless: "-n", why: "deletes files"),
    CommandRule("s3cmd|s5cmd|mc", "del|rm|rb|mv|sync|put|mirror", why: "changes a bucket"),
    CommandRule("stripe", "** delete|create|cancel|capture|confirm|pay|refunds", why: "moves money"),
  ]

  private static let machine: [CommandRule] = [
    CommandRule(
      "systemctl",
      "start|stop|restart|reload|reload-or-restart|enable|disable|mask|unmask|kill|isolate|set-default|edit|revert|daemon-reexec|reset-failed|poweroff|reboot|halt|suspend|hibernate",
      why: "changes services of this machine"),
    CommandRule("service", "* start|stop|restart|reload", why: "changes services of this machine"),
    CommandRule(
      "rc-service|supervisorctl|pm2|launchctl|initctl",
      "** start|stop|restart|reload|delete|kill|load|unload|bootout|remove", why: "changes services of this machine"),
    CommandRule("crontab", needs: "-r -e", why: "replaces the crontab"),
    CommandRule("crontab", "*", unless: "-l", why: "replaces the crontab"),
    CommandRule(
      "apt|apt-get|dnf|yum|zypper|apk|snap|brew|flatpak",
      "remove|purge|autoremove|uninstall|erase|del|dist-upgrade|full-upgrade|upgrade|install|add",
      why: "changes the packages of this machine"),
    CommandRule("pacman", needs: "-S -R -U --sync --remove", why: "changes the packages of this machine"),
    CommandRule(
      "dpkg|rpm", needs: "-r -P -i -e -U --remove --purge --install --erase", unless: "-q -l -L -s",
      why: "changes the packages of this machine"),
    CommandRule(
      "userdel|useradd|usermod|groupdel|groupadd|passwd|chpasswd|adduser|deluser|visudo",
      why: "changes the accounts of this machine"),
    CommandRule(
      "iptables|ip6tables|nft|ufw|firewall-cmd", unless: "-L -S --list --list-all --state", why: "changes the firewall"),
    CommandRule(
      "fdisk|sfdisk|parted|wipefs|lvremove|vgremove|pvremove|mkswap|cryptsetup|blkdiscard|hdparm", unless: "-l --list",
      why: "changes disks"),
    CommandRule("zfs|zpool|btrfs", "** destroy|rollback|delete|create|labelclear", why: "changes file systems"),
    CommandRule("umount|mount|swapoff", "*", why: "changes what is mounted"),
    CommandRule("kill|pkill|killall|skill", "*", unless: "-l -0", why: "ends processes"),
    CommandRule("dropdb|dropuser|createdb|pg_restore|pg_dropcluster|mysqladmin|mongorestore", why: "changes databases"),
    CommandRule(
      "redis-cli|valkey-cli",
      "flushall|flushdb|del|unlink|FLUSHALL|FLUSHDB|DEL|UNLINK|config|CONFIG|shutdown|SHUTDOWN|set|SET|expire|EXPIRE",
      why: "destroys data"),
    CommandRule("mongo|mongosh", needs: "--eval", why: "may change a database"),
    CommandRule(
      "alembic|flyway|liquibase|sqlx|diesel|dbmate|goose|atlas|knex|sequelize|prisma|typeorm",
      "** upgrade|downgrade|migrate|clean|update|rollback|drop|reset|up|down|apply|push|db|migration:run|migration:revert|migrate:latest|migrate:rollback|deploy|revert|db:migrate|db:drop",
      why: "changes a database"),
    CommandRule(
      "manage.py|django-admin|rails|artisan",
      "flush|migrate|db:drop|db:reset|db:migrate|db:rollback|sqlflush|migrate:fresh", why: "changes a database"),
    CommandRule(
      "python|python3|php", "manage.py|artisan flush|migrate|migrate:fresh|db:wipe", why: "changes a database"),
    CommandRule("kafka-topics|kafka-topics.sh", needs: "--delete --alter --create", why: "changes topics"),
    CommandRule("rabbitmqctl|rabbitmqadmin", "delete*|purge*|reset|force_reset|stop*", why: "destroys queues"),
  ]

  private static let messages: [CommandRule] = [
    CommandRule("mail|mailx|sendmail|msmtp|swaks|ssmtp|s-nail", why: "sends mail"),
    CommandRule("mutt|neomutt", needs: "-s -H -i -a --", why: "sends mail"),
    CommandRule("telegram-send|slack|slackcat|ntfy|twurl|toot|signal-cli|notify-send-remote", why: "sends a message"),
    CommandRule("scp|sftp|ftp|lftp", "*", why: "copies files to or from another machine"),
  ]
}
