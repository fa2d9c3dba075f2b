show version;
