/// Which file it is: `ctime` in nanoseconds.
package struct FileIdentity: Sendable, Hashable {
    package let device: UInt64
    package let inode: UInt64
    package let changeTime: Int64

    package init(device: UInt64, inode: UInt64, changeTime: Int64) {
        self.device = device
        self.inode = inode
        self.changeTime = changeTime
    }
}
