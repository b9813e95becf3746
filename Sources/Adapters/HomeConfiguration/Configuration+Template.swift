import SystemKit

extension Configuration {
    /// The `twindrop.yaml` that `twindrop init` writes: one sample source, and every other key with its default behind a `#`.
    /// A `#` before a key switches a line off; `# ` starts a remark.
    package static let template = #"""
        # TwinDrop: what is watched, what is done with it, and how carefully.
        # \#(DocumentPage.path("configuration.md")) explains every key.
        # A line such as "#level: 1" shows a key with its default: remove the # to change it.
        # Check this file with: twindrop source check

        version: 1

        # Folders; relative ones lie in this home. Absolute ones may lie anywhere; state needs a local file system.
        paths:
          #dropzone: dropzone
          #archive: archive
          #receipts: receipts
          #state: state
          #models: models
          #mappings: mappings
          #plugins: plugins

        sources:
          # One source: a daily list of all assets. Drop a file into dropzone/assets/ and look at its receipt.
          assets:
            title: Asset register, complete list
            plugin: asset-inventory
            patterns: ["*.csv"]
            # A snapshot lists everything there is: what it leaves out is deleted, within the guard's limits.
            mode: snapshot
            # When a file is complete: rename, marker, close or stable.
            ready:
              rule: stable
              #settle: 2s
              #marker: .done
              #writer-timeout: 15m
              #proves-end: false
              #ignore: [".*", "*.tmp", "*.part", "*.filepart", "~*"]
            #folder: assets
            #recursive: false
            # Whether its plugin is asked about files that no pattern names, in a folder that sources share.
            #probe: false
            # Relationships whose twins do not exist yet: wait with a duration, reject, or stub.
            #dangling: wait 24h
            # Twins are checked against the models of the graph: known, strict or off.
            #validation: known
            # A drop that goes past these limits is held for a person: twindrop release, twindrop discard.
            guard:
              #deletes: 5%
              #deletes-free: 10
              #rejects: 1%
              #rejects-free: 10
            # What the source may change; nothing named means everything.
            scope:
              #models: []
              #twin-prefixes: []
            # What counts as a duplicate: newest, skip-any or process. In which order: none, arrival or name.
            #duplicates: newest
            #order: none
            # What in a file's name says which delivery is newer, so that an older one that comes late overwrites nothing.
            # sequence: inventory_{yyyy}{MM}{dd}.csv
            # A file without a byte: hold, which is a snapshot source's default, record, which is that of others, or refuse.
            #empty: hold
            # When its deliveries are expected; a source is late when none came: 24h, or every, or times of day.
            # expect: 24h
            # expect: {every: 24h, grace: 2h}
            # expect: {at: ["06:00", "18:00"], days: [mon-fri], zone: Europe/Berlin, grace: 30m}
            # Tables the plugin may ask, from CSV files:
            # lookups:
            #   sites: {file: lookups/sites.csv, key: code, value: name}

          # A source that needs no code: columns become twins as mappings/work-orders.yaml says.
          # work-orders:
          #   plugin: mapping
          #   mapping: work-orders.yaml

        limits:
          #workers: 4
          #file-size: 64 GiB
          #commit-drops: 256
          #commit-size: 64 MiB
          # Below soft no file is claimed, below hard none is transformed; each is the smaller of share and size.
          free-space:
            #soft-share: 10%
            #soft: 2 GiB
            #hard-share: 5%
            #hard: 1 GiB
          # What the process of a plugin may use.
          worker:
            #sandbox: available
            #memory: 512 MiB
            #cpu: 60s
            #wall: 120s
            #wall-per-mib: 1s
            #silence: 10s
            #output-factor: 64
            #output-free: 256 MiB
            #operations-free: 1000000
            #log: 64 KiB
            #reuse-drops: 1000
            #reuse-time: 15m
            #failures-in-a-row: 5

        # How long; the archive itself is never pruned by age.
        retention:
          #receipts: forever
          #revisions: forever

        archive:
          #level: 1
          #container-drops: 256
          #container-size: 64 MiB

        # The twin service: the Azure Digital Twins API on this machine. \#(DocumentPage.path("twin-api.md")) says how to use it.
        http:
          #listen: 127.0.0.1:7077
          # Other machines are served with TLS and a token only.
          # tls: {certificates: certificate.pem, key: key.pem}
          # A file of hashed tokens: twindrop token new --name NAME --role viewer|auditor|operator|admin
          # tokens: tokens
          # What a caller without a token may do.
          #anonymous: auto
          #hosts: []
          # Names that event routes may lead to.
          #endpoints: []
          # Whose rules uploaded models follow: Azure's (versions 2 and 3, no commands), or those of the language alone: dtdl.
          #models: azure
          #insecure: false
          # Tokens of an identity provider; its keys are a file, or the URL that it calls jwks_uri.
          # jwt: {issuer: https://login.example/tenant, audience: https://digitaltwins.azure.net, keys: jwks.json}
          jwt:
            #refresh: 1h
            #role-claim: roles
            #role: none
          limits:
            #body: 32 KiB
            #models: 32 MiB
            #headers: 32 KiB
            #connections: 4096
            #read-time: 30s
            #write-time: 60s
            #idle-time: 2m
            #stop-time: 5s
            #read-threads: 4
            #write-threads: 8
            #query-threads: 2
            #twins: 0
          # Where import jobs may read and write: folders, and hosts of the web.
          jobs:
            #folders: [jobs]
            #hosts: []
            #download-size: 64 GiB

        # How far this daemon goes when it asks other servers.
        outbound:
          # A PEM file of authorities to trust besides the system's.
          # authorities: authorities.pem
          # Networks that host names may lead to besides the public Internet.
          #networks: []
          #connect-time: 10s
          #stall-time: 30s

        # Who is told of held and quarantined drops, suspended and late sources: a program, or an address of the web.
        # notify:
        #   on-call: {command: [/usr/local/bin/page-us], events: [held, quarantined, suspended, late, nothing-usable]}
        #   chat: {webhook: "https://chat.example/hooks/1", authorization: chat-token, timeout: 30s}

        log:
          #level: info
          #format: auto

        # Properties of twins that queries often ask for, each found by an index of its own.
        #indexes: []

        """#

    /// The folders of a new home, relative to it; `dropzone/assets` is the sample source's.
    package static let templateFolders = [
        "dropzone", "dropzone/assets", "archive", "receipts", "state", "models", "mappings", "plugins",
    ]
}
