/**
 * Files for responses: folders that no path leaves, types, ranges, and bytes that the system sends. Folders of workers,
 * for {@code sennit-servlet} too; exported to that alone.
 */
@NullMarked
package dev.sennit.server.files;

import org.jspecify.annotations.NullMarked;
