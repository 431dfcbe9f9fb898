extension Vagrantfile {
    /// `Vagrantfile.template` of the repository, word for word: a test compares them (docs/decisions/0010).
    static let template = #"""
        # Made by pgaf-host from pgaf.yaml. `pgaf-host up` writes it again when the settings change, so change them there.
        # Go on with: vagrant status | ssh | halt | up | reload | destroy

        box = {{box}}
        name = {{name}}
        memory = {{memory}} # MiB
        cpus = {{cpus}}
        ip = {{ip}} # nil: no private network
        synced_folder = {{synced_folder}} # nil: none
        forwarded_ports = {{forwarded_ports}} # guest => host: monitor, nodes, pooler
        emulated = {{emulated}} # libvirt only: no usable hardware virtualisation on this machine

        Vagrant.configure("2") do |config|
          config.vm.box = box
          config.vm.boot_timeout = emulated ? 1800 : 600

          config.vm.network "private_network", ip: ip if ip
          forwarded_ports.each do |guest, host|
            config.vm.network "forwarded_port", guest: guest, host: host, host_ip: "127.0.0.1", auto_correct: true
          end

          config.vm.provider "virtualbox" do |vb, override|
            vb.name = name
            vb.memory = memory
            vb.cpus = cpus
            if synced_folder
              # Links that the machine makes in it would let it read and write outside of the folder.
              override.vm.synced_folder synced_folder, "/vagrant", type: "virtualbox", SharedFoldersEnableSymlinksCreate: false
            else
              override.vm.synced_folder ".", "/vagrant", disabled: true
            end
          end

          config.vm.provider "libvirt" do |libvirt, override|
            libvirt.default_prefix = "#{name}_"
            libvirt.memory = memory
            libvirt.cpus = cpus
            libvirt.driver = emulated ? "qemu" : "kvm"
            if emulated
              libvirt.cpu_mode = "custom"
              libvirt.cpu_model = "n270"
              %w[lm syscall cx16 lahf_lm popcnt sse4.1 sse4.2 aes pclmuldq].each { |name| libvirt.cpu_feature name: name, policy: "require" }
            end
            # libvirt shares folders through NFS or a one-time copy only: neither is what /vagrant promises.
            override.vm.synced_folder ".", "/vagrant", disabled: true
          end

          config.trigger.after :provision, :reload do |trigger|
            trigger.info = "There are no provisioners: `pgaf-host up` does their work, and changes only what differs."
          end
          config.trigger.after :up do |trigger|
            trigger.info = "The machine runs: `pgaf-host up` makes its cluster, or goes on with the one in it."
          end unless ENV["PGAF_RUNS_VAGRANT"] # pgaf-host goes on by itself
          config.trigger.before :resume do |trigger|
            trigger.info = "This goes on with a suspended machine; `vagrant up` or `pgaf-host start` starts a halted one."
          end
        end

        """#
}
