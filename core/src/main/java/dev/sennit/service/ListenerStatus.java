package dev.sennit.service;

import java.net.SocketAddress;

/**
 * A listener of a manager.
 *
 * @param name its name
 * @param address the address, with the port in use; the path of an abstract Unix socket that systemd has bound begins
 *     with {@code @}
 * @param isShared whether all workers accept on one socket of the manager, so that no connection is lost when a worker
 *     ends; otherwise each has a socket of its own on the same port ({@code SO_REUSEPORT}), as native access is off
 */
public record ListenerStatus(String name, SocketAddress address, boolean isShared) {}
