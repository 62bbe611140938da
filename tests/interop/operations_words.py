# SPDX-License-Identifier: LGPL-2.1-or-later
"""operations_words.py: virsh's commands about memory word for word, with all their options and with bad values.

The same lines are given to a guest in every state. {folder} is the scene's own, {guest} the guest's name, NAME.xml in it
one of XMLS. A step is ('virsh', LINE) when what virsh prints is compared, too, ('shape', LINE) when it is but for its
numbers, and ('status', LINE) when it is not.
"""

import operations_script as script

XMLS = {
    'dimm': script.memory('dimm', 64),
    'other': script.memory('dimm', 32, 1),
    'mine': script.memory('dimm', 16, 1, alias='ua-mine'),
    'elastic': script.elastic(64, 32, alias='ua-elastic'),
    'cut': '<memory',
    'empty': '',
    'two': script.memory('dimm', 64) * 2,
    'unknown': '<foo/>',
    'no-model': '<memory><target><size>1024</size></target></memory>',
    'bad-model': "<memory model='foo'><target><size>1024</size></target></memory>",
    'bad-unit': "<memory model='dimm'><target><size unit='foo'>1</size><node>0</node></target></memory>",
    'balloon': "<memballoon model='virtio'/>",
    'no-balloon': "<memballoon model='none'/>",
}

VERBS = ('virsh', 'shape', 'status')

AFFECT = ('', '--live', '--config', '--current', '--live --config', '--live --current', '--config --current')
PERSISTENT = ('--persistent --live', '--persistent --config', '--persistent --current')
FAULTY = ('cut', 'empty', 'two', 'unknown', 'no-model', 'bad-model', 'bad-unit', 'balloon', 'no-balloon')
BAD_SIZES = ('-1', 'x', '1.5M', '1b', '1TiB', '9007199254740991', '9007199254740992', '18446744073709551615',
             '99999999999999999999', '100e', '10P', "''")


def _each(line, *lists):
    """The line with every combination of the words in lists."""
    lines = [line]
    for words in lists:
        lines = ['%s %s' % (text, word) for text in lines for word in words]
    return lines


def _devices(verb, names, flags):
    return ['%s {guest} {folder}/%s.xml %s' % (verb, name, flag) for name in names for flag in flags]


DEVICES = (
    ['attach-device {guest} {folder}/dimm.xml --live', 'detach-device {guest} {folder}/other.xml']
    + [line for flag in ('--config', '--current --config', '--live --current')
       for line in ('attach-device {guest} {folder}/mine.xml ' + flag, 'detach-device-alias {guest} ua-mine --config')]
    + _devices('attach-device', ('mine',), ('--persistent --current', '--persistent --live --current'))
    + _devices('attach-device', FAULTY, ('--live', '--config'))
    + _devices('detach-device', FAULTY + ('elastic',), ('--live', '--config'))
    + _devices('detach-device', ('elastic',), AFFECT + PERSISTENT)
    + _devices('update-device', FAULTY + ('dimm', 'elastic'), ('--live', '--config', '--force'))
    + _devices('update-device', ('elastic',), AFFECT + PERSISTENT)
    + ['attach-device {guest} /nonexistent', 'attach-device nobody {folder}/dimm.xml', 'detach-device-alias {guest} ""']
    + _each('detach-device-alias {guest}', ('foo', 'balloon0'), AFFECT))

RESIZE = (
    _each('update-memory-device {guest} --requested-size 16M', AFFECT)
    + _each('update-memory-device {guest} --alias ua-first --requested-size 16M', AFFECT)
    + _each('update-memory-device {guest} --requested-size 8M --node', ('0', '1', '9', '-1', 'x'), ('', '--config'))
    + _each('update-memory-device {guest} --print-xml --requested-size 8M', ('', '--config'), ('', '--alias ua-first'))
    + _each('update-memory-device {guest} --alias ua-first --requested-size',
            ('1x', '3M', '3G', '0', '4096b', '99999999999T', '-1')))

BALLOON = (
    _each('setmem {guest}', ('96M', '65536', '1G', '0'), AFFECT)
    + _each('setmem {guest}', BAD_SIZES + ('100MB', '100MiB', '99999999b'), ('', '--config'))
    + _each('setmaxmem {guest}', ('256M', '100M', '0'), AFFECT)
    + _each('setmaxmem {guest} --config', BAD_SIZES)
    + ['setmem nobody 1M', 'setmaxmem nobody 1M', 'dommemstat nobody', 'dommemstat {guest}', 'dommemstat {guest} --live']
    + _each('dommemstat {guest} --period 3', AFFECT)
    + _each('dommemstat {guest} --period', ('0', '-1', 'x', '2147483647', '2147483648'), ('', '--config')))

# Live limits need a control group, which not every host has: LIMITS_LIVE.
LIMITS = (
    _each('memtune {guest} --config', ('--hard-limit 1G', '--soft-limit 512M', '--swap-hard-limit 2G', '--min-guarantee 1G',
                                       '--hard-limit 2G --swap-hard-limit 1G', '--hard-limit 2G --swap-hard-limit 4G',
                                       '--swap-hard-limit 1G', '--swap-hard-limit -1', '--soft-limit -1', '--hard-limit 0',
                                       '--hard-limit -2', '--hard-limit x', '--hard-limit 9007199254740991',
                                       '--hard-limit 18446744073709551615', '--hard-limit 100000000P', '--hard-limit -1', ''))
    + ['memtune {guest} --live --config', 'memtune {guest} --live --current', 'memtune {guest} --config --current',
       'memtune nobody', 'numatune nobody', 'numatune {guest} --live --config --mode 7']
    + _each('numatune {guest}', AFFECT)
    + _each('numatune {guest} --config', ('--nodeset 0', '--mode strict', '--mode preferred --nodeset 0', '--mode 0',
                                          '--mode restrictive --nodeset 0', '--mode 7', '--mode foo', '--nodeset 9',
                                          '--nodeset x', '--nodeset ""', '--nodeset 0-', '--nodeset 0,^0', ''))
    + _each('numatune {guest}', ('--mode 7', '--mode preferred', '--nodeset x', '--nodeset 0,^0'),
            ('', '--live', '--current', '--live --config')))

LIMITS_LIVE = (
    _each('memtune {guest}', AFFECT)
    + _each('memtune {guest}', ('--hard-limit 1G', '--soft-limit 512M', '--swap-hard-limit 2G', '--min-guarantee 1G',
                                '--hard-limit 3G', '--swap-hard-limit 512M', '--hard-limit 0', '--hard-limit -1',
                                '--swap-hard-limit -1', '--hard-limit -1 --soft-limit -1', '--hard-limit 64M'),
            ('', '--live', '--live --config'))
    + _each('memtune {guest}', AFFECT)
    + _each('numatune {guest}', ('--nodeset 0', '--mode strict', '--mode restrictive', '--nodeset 9'),
            ('', '--live', '--live --config'))
    + _each('numatune {guest}', ('', '--config')))

LOOK = (
    _each('domstats {guest}', ('--balloon', '--state', '--memory', '--iothread', '--interface', '--block'),
          ('', '--raw', '--nowait'))
    + _each('domstats {guest} --enforce', ('--balloon', '--state', '--memory', '--interface', '--block'))
    + ['domstats nobody', 'domstate {guest} --reason', 'domjobinfo {guest}', 'domjobinfo {guest} --completed', 'domjobinfo nobody']
    + _each('qemu-monitor-command {guest} --hmp',
            ('"info memory_size_summary"', 'foo', '--pretty "info name"', '--return-value "info name"'))
    + _each('qemu-monitor-command {guest} --return-value',
            ("'{\"execute\":\"query-name\"}'", "--pretty '{\"execute\":\"query-status\"}'", "'{\"execute\":\"foo\"}'", 'foo'))
    + ['event {guest} --event foo', 'event nobody --all --timeout 1', 'qemu-monitor-event nobody --timeout 1',
       'managedsave-remove {guest}', 'desc {guest} --config --new-desc words', 'desc {guest} --config',
       'setvcpus {guest} 1 --config', 'setvcpus {guest} 2 --config', 'metadata {guest} http://x --config',
       'metadata {guest} http://x --set "<a/>" --key k --config', 'metadata {guest} http://x --remove --config'])

# Without KVM, QEMU 7.2 dies of the mode dirty-bitmap, which stock libvirtd hands on.
DIRTY_BITMAP = 'domdirtyrate-calc {guest} --mode dirty-bitmap'
DIRTY_RATE = (
    _each('domdirtyrate-calc {guest} --seconds', ('0', '61', '-1', 'x', '2147483647', '2147483648'))
    + _each('domdirtyrate-calc {guest} --mode', ('dirty-ring', 'dirty-ring --seconds 0', 'foo', '""'))
    + ['domdirtyrate-calc nobody', 'domstats {guest} --enforce --dirtyrate', 'domdirtyrate-calc {guest} --seconds 60',
       'domdirtyrate-calc {guest}', 'domdirtyrate-calc {guest} --mode page-sampling --seconds 1'])
DIRTY_RATE_OFF = _each(DIRTY_BITMAP, ('', '--seconds 0')) + _each(
    'domstats {guest} --enforce', ('--iothread', '--vm'))
MEASURING = tuple(('shape', line) for line in _each('domstats {guest} --dirtyrate', ('', '--raw', '--nowait')))

ALL = DEVICES + RESIZE + BALLOON + LIMITS + LOOK + DIRTY_RATE


def _virsh(lines):
    return tuple(('virsh', line) for line in lines)


def _readOnly(lines):
    return tuple(('virsh', '-r ' + line) for line in lines)


RUN = _virsh(['suspend {guest}', 'suspend {guest}', 'reset {guest}', 'reboot {guest} --mode agent', 'reboot {guest} --mode foo',
              'shutdown {guest} --mode foo', 'shutdown {guest}', 'shutdown {guest} --mode agent', 'reboot {guest}', 'resume {guest}', 'resume {guest}',
              'suspend {guest}', 'start {guest}', 'create {folder}/given.xml', 'start nobody'])
STOPPED = _virsh(['suspend {guest}', 'resume {guest}', 'reset {guest}', 'reboot {guest}', 'shutdown {guest}', 'destroy {guest}'])
REFUSED = _readOnly(['define {folder}/dimm.xml', 'undefine {guest}', 'start {guest}', 'create {folder}/dimm.xml', 'suspend {guest}',
                     'resume {guest}', 'reset {guest}', 'reboot {guest}', 'shutdown {guest}', 'destroy {guest}', 'list --all --name',
                     'allocpages 2M 0', 'node-memory-tune --shm-pages-to-scan 100',
                     'domxml-to-native qemu-argv --domain {guest}'])

# What the host is asked; figures differ between any two calls, and what there is between any two hosts.
HOST = (
    _virsh(['freepages --all --pagesize 8', 'freepages --cellno 0 --pagesize 2048', 'freepages --cellno 7 --pagesize 4',
            'freepages --cellno 7', 'freepages --pagesize 4', 'freepages --cellno 0 --pagesize 0', 'freepages --cellno 0 --pagesize x',
            'freepages --cellno x --pagesize 4', 'freepages --all --cellno 0', 'freecell 7', 'freecell -1', 'freecell x',
            'freecell --all --cellno 0', 'nodememstats --cell 7', 'nodememstats --cell -2', 'nodememstats --cell x',
            'nodecpustats --cpu x', 'node-memory-tune --shm-pages-to-scan -1', 'node-memory-tune --shm-pages-to-scan x',
            'allocpages 2M -1', 'allocpages 2M x', 'allocpages x 1', 'allocpages 0 1', 'allocpages 3 1', 'allocpages 4 1',
            'allocpages 1M 1', 'allocpages 2M 1 --cellno 7', 'allocpages 2M 1 --cellno x', 'allocpages 2M 1 --cellno 0 --all',
            'allocpages 2M', 'allocpages 2M 0 --add', 'domcapabilities --machine foo', 'domcapabilities --arch foo',
            'domcapabilities --virttype foo', 'maxvcpus foo', 'event --list', 'list', 'pool-list', 'net-list --all'])
    + tuple(('shape', line) for line in (
        'nodeinfo', 'nodememstats', 'nodememstats --cell 0', 'freecell', 'freecell --all', 'freecell 0', 'freepages --all',
        'freepages --all --pagesize 4', 'freepages --cellno 0', 'node-memory-tune', '-r node-memory-tune', '-r freepages --all',
        '-r nodememstats', 'version', 'maxvcpus qemu')))

# The pools are the host's own and the same for both: whoever is second finds them as they were.
POOLS = _virsh(['allocpages 2M 0', 'allocpages 2048 2 --add', 'freepages --cellno 0 --pagesize 2048', 'allocpages 2M 4',
                'allocpages 2M 1 --cellno 0 --add', 'allocpages 2M 5 --cellno 0', 'allocpages 2M 3 --all',
                'allocpages 2M 1 --all --add', 'freepages --cellno 0 --pagesize 2048', 'allocpages 2M 0 --all',
                'freepages --cellno 0 --pagesize 2M', 'allocpages 2M 99999999999', 'allocpages 2M 0'])

_CELLS = script.DOMAIN % {'ceiling': script.CEILING, 'cpu': script.CELLS,
                          'devices': script.PORTS + script.BALLOON + script.elastic(64, 0, alias='ua-first')}
_PLAIN = script.DOMAIN % {'ceiling': '', 'cpu': '', 'devices': script.BALLOON}
_BARE = script.DOMAIN % {'ceiling': '', 'cpu': '', 'devices': script.NO_BALLOON}

_RESTRICTIVE = _CELLS.replace('<vcpu>', "<numatune><memory mode='restrictive' nodeset='0'/></numatune><vcpu>")

_DEFINE, _START, _END = (('define',),), (('start',),), (('destroy',), ('undefine',))

SCENES = {
    'words-off': (_CELLS, _DEFINE + _virsh(ALL + DIRTY_RATE_OFF) + MEASURING + STOPPED + (('undefine',),)),
    'words-paused': (_CELLS, _DEFINE + _START + _virsh(ALL) + MEASURING + RUN + _END),
    'words-running': (_CELLS, _DEFINE + _virsh(['start {guest}'] + ALL) + MEASURING + _END),
    'words-transient': (_CELLS, (('create',),) + _virsh(ALL + ['undefine {guest}', 'autostart {guest}']) + (('destroy',),)),
    'words-plain': (_PLAIN, _DEFINE + _START + _virsh(ALL) + _END),
    'words-bare': (_BARE, _DEFINE + _START + _virsh(ALL) + _END),
    'words-read-only': (_CELLS, _DEFINE + _START + _readOnly(ALL) + REFUSED + _END),
    'dirty-bitmap': (_BARE, _DEFINE + _START + _virsh([DIRTY_BITMAP, 'destroy {guest} --graceful']) + (('undefine',),)),
    'host': (_BARE, HOST),
    'pools': (_BARE, POOLS),
    'limits': (_CELLS, _DEFINE + _START + _virsh(LIMITS_LIVE) + _END),
    'restrictive': (_RESTRICTIVE, _DEFINE + _START + _virsh(_each('numatune {guest} --live', (
        '', '--nodeset 0', '--nodeset 9', '--mode strict', '--mode restrictive', '--mode restrictive --nodeset 0'))) + _END),
    'numa-strict': (_CELLS, _DEFINE + _START + _virsh(['numatune {guest} --live --mode strict',
                                                       'numatune {guest} --live --mode strict --nodeset 0']) + _END),
    'numa-preferred': (_CELLS, _DEFINE + _START + _virsh(['numatune {guest} --live --mode preferred --nodeset 0']) + _END),
    'numa-restrictive': (_CELLS, _DEFINE + _START + _virsh(['numatune {guest} --live --mode restrictive --nodeset 0',
                                                            'numatune {guest} --live', 'numatune {guest} --live --nodeset 0']) + _END),
    'limits-off': (_CELLS, _DEFINE + _virsh(LIMITS_LIVE) + (('undefine',),)),
}

# These depend on the host: only both daemons on one host can be compared.
HERE_ONLY = ('host', 'pools', 'limits', 'restrictive', 'numa-strict', 'numa-preferred', 'numa-restrictive')

# The same lines in other states take minutes: they are played where both daemons are, and not recorded.
LONG = ('words-running', 'words-transient', 'words-plain', 'words-bare', 'limits-off')
