java --enable-native-access=ALL-UNNAMED -cp 'target/shop.jar:target/lib/*' shop.sell
