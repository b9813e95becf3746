package import DropCore
package import SystemKit

extension FileFacts {
    /// How a claim finds the file again.
    package var identity: FileIdentity { FileIdentity(device: device, inode: inode, changeTime: changed) }
}
