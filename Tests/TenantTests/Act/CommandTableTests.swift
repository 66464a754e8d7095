import SystemPackage
import Testing

@testable import Tenant

/// Each row of the table, by a command that it catches.
@Suite struct CommandTableTests {
  static let commands: [String] = [
    "gh issue delete 12 --yes", "gh workflow run deploy.yml", "gh run delete 99", "glab ci run -b main",
    "gh secret set TOKEN --body x", "tea pr merge 3", "looop-fleet answer web/gate-1 yes",
    "looop-fleet budget raise web 5", "looop-fleet thaw", "looop-fleet tenant resume web",
    "npm dist-tag add web@1 latest", "yarn npm tag add web@1 latest", "npx cdk deploy", "lerna publish",
    "changeset publish", "goreleaser", "cargo release --execute", "poetry publish", "python setup.py sdist upload",
    "python3 -mtwine upload dist/*", "pip uninstall web", "gem push web.gem", "bundle exec rake release",
    "mvn -q deploy", "gradle publishToMavenCentral", "dotnet nuget push x.nupkg", "mix hex.publish",
    "cabal upload x.tar.gz", "pod trunk push", "fastlane ios release", "yarn deploy",
    "terraform state rm aws_x.y", "terraform workspace delete old", "terragrunt run-all apply", "pulumi stack rm dev",
    "kubectl rollout restart deploy/web", "argocd app sync web", "flux reconcile kustomization web",
    "ansible all -m shell -a reboot", "serverless deploy", "packer build x.pkr.hcl", "vault kv delete secret/x",
    "vault delete secret/x", "consul kv delete x", "kamal deploy",
    "docker image push me/web", "docker build --push -t me/web .", "docker rm -f web", "docker compose down -v",
    "docker stack rm web", "skopeo copy docker://a docker://b",
    "aws cloudformation deploy --template-file x", "gsutil rm gs://b/x", "bq rm -f d.t",
    "doctl compute droplet delete 1", "vercel rollback", "netlify deploy --prod", "wrangler deploy",
    "s3cmd del s3://b/x", "stripe refunds create --charge x",
    "service nginx restart", "supervisorctl restart web", "crontab new.txt", "pacman -S vim", "dpkg -i x.deb",
    "useradd bob", "iptables -F", "fdisk /dev/sdb", "zfs destroy pool/x", "umount /srv",
    "mongosh --eval 'db.x.drop()'", "alembic upgrade head", "rails db:migrate", "python manage.py migrate",
    "kafka-topics --delete --topic x", "rabbitmqctl delete_queue x",
    "mutt -s x me@example.com", "ntfy publish x", "scp a host:b",
  ]

  @Test(arguments: commands) func `what a row names waits`(_ command: String) {
    guard case .irreversible = CommandRulesTests.rules.verdict(on: command) else {
      Issue.record("\(command): \(CommandRulesTests.rules.verdict(on: command))")
      return
    }
  }

  /// A row that no command reaches is no rule: misspelt, or hidden by an earlier one.
  @Test func `every row has a command that it is the first to catch`() {
    var unused = Array(CommandRules.table.enumerated())
    for command in Self.commands + CommandRulesTests.gated {
      var reader = ShellReader(command, directory: "/srv/looop")
      reader.read()
      for call in reader.commands.map({ ProgramCall($0.words, $0) }) {
        guard let first = CommandRules.table.firstIndex(where: { $0.matches(call) }) else { continue }
        unused.removeAll { $0.offset == first }
      }
    }
    for (_, row) in unused { Issue.record("\(row.programs) \(row.path) needs \(row.needs): \(row.why)") }
  }
}
