package import DropCore
package import SystemKit

extension FileFacts {
    /// What a claim finds the file again by.
    package var identity: FileIdentity { FileIdentity(device: device, inode: inode, changeTime: changed) }
}
