/** The command {@code sennit with}: servers for the time that another command runs. */
@NullMarked
package dev.sennit.cli.servers;

import org.jspecify.annotations.NullMarked;
